//! `smile report`: prints the report of a kept run again.

use std::fmt::Write as _;

use crate::{
    cli::ReportArguments,
    command::{
        machine::{append_summary, document},
        run::kept,
    },
    config::{self, Format, Options},
    failure::{Failure, exit},
    output,
};

/// Runs the command.
pub(crate) fn report(arguments: &ReportArguments) -> Result<u8, Failure> {
    let flags = Options { state_file: arguments.config.state_file.clone(), ..Options::default() };
    let loaded = config::load(&arguments.config, &[], flags)?;
    let kept = kept(&loaded);
    let failed = |error: smile_server::KeepError| Failure::usage(&error, error.hint());
    if arguments.list {
        let mut text = String::new();
        for run in kept.list().map_err(failed)? {
            let ended = match run.status {
                Some(status) => serde_json::to_value(status)
                    .ok()
                    .and_then(|name| name.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                None if run.owner.is_alive() => "running".to_owned(),
                None => "killed".to_owned(),
            };
            let _ = writeln!(text, "{}  {ended:<14} {}", run.run_id, run.tutorial);
        }
        output::print(&text)?;
        return Ok(exit::OK);
    }
    let wanted: Vec<Option<&str>> = match &arguments.runs[..] {
        [] => vec![None],
        runs => runs.iter().map(|run| Some(run.as_str())).collect(),
    };
    let runs: Vec<_> = wanted
        .into_iter()
        .map(|run| kept.finished(run))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let records = runs.iter().map(|(record, _)| record);
    if arguments.format == Format::Github {
        append_summary(records.clone())?;
    }
    output::print(&match arguments.format {
        Format::Md => runs
            .iter()
            .map(|(record, tutorial)| smile_report::markdown(record, tutorial))
            .collect::<Vec<_>>()
            .join("\n"),
        // One document after the other, as `jq` reads them.
        Format::Json => records.map(smile_report::json).collect(),
        format @ (Format::Sarif | Format::Junit | Format::Github | Format::Tap) => {
            document(format, records, loaded.settings.fail_on)
        }
    })?;
    Ok(exit::OK)
}
