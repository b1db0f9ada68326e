//! `smile report`: prints the report of a kept run again.

use std::fmt::Write as _;

use crate::{
    cli::ReportArguments,
    command::run::kept,
    config::{self, Format, Options},
    failure::{Failure, exit},
    output,
};

/// Runs the command.
pub(crate) fn report(arguments: &ReportArguments) -> Result<u8, Failure> {
    let flags = Options { state_file: arguments.config.state_file.clone(), ..Options::default() };
    let kept = kept(&config::load(&arguments.config, &[], flags)?);
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
    let (record, tutorial) = kept.finished(arguments.run.as_deref()).map_err(failed)?;
    output::print(&match arguments.format {
        Format::Md => smile_report::markdown(&record, &tutorial),
        Format::Json => smile_report::json(&record),
    })?;
    Ok(exit::OK)
}
