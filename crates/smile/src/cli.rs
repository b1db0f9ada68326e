//! The command line.

use std::{num::NonZeroU64, path::PathBuf};

use clap::{Args, Parser, Subcommand, builder::BoolishValueParser};
use clap_complete::Shell;

use crate::config::{Backend, FailOn, Format, LimitName, Network, Options, Persona};

/// SMILE follows a tutorial the way a newcomer would, on a clean machine, and tells its author
/// exactly where newcomers will get stuck.
#[derive(Debug, Parser)]
#[command(name = "smile", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  smile run docs/start.md            follow one tutorial
  smile run docs/                    follow every page that git does not ignore
  smile check docs/                  read only, run nothing
  smile explain docs/start.md        how each block is understood
  smile doctor                       what this machine lacks for the sandbox

Exit codes: 0 no gap at or above --fail-on, 1 such gaps, 2 wrong usage or configuration,
3 the tool's own trouble, 4 out of time, 130 stopped.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow tutorials in a clean sandbox and report where a newcomer gets stuck
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArguments>),
    /// Read tutorials without running anything, and list what will trip a newcomer
    #[command(after_help = "Examples:
  smile check docs/start.md
  smile check docs/ --fail-on never --json")]
    Check(CheckArguments),
    /// Show how each block of a tutorial is understood, and why
    #[command(after_help = "Examples:
  smile explain docs/start.md")]
    Explain(ExplainArguments),
    /// Print the report of a kept run again
    #[command(after_help = "Examples:
  smile report                       the latest run, as Markdown
  smile report --format json | jq '.gaps[].problem'
  smile report --format junit 20260102-0930 20260102-0931
  smile report --list                the runs that are kept")]
    Report(ReportArguments),
    /// Write a commented smile.json to start from
    #[command(after_help = "Examples:
  smile init
  smile init docs --force")]
    Init(InitArguments),
    /// Say what this machine lacks for the sandbox, and the command that mends it
    #[command(after_help = "Examples:
  smile doctor
  smile doctor --clean               remove what killed runs left behind")]
    Doctor(DoctorArguments),
    /// Print completions for a shell
    #[command(after_help = "Examples:
  smile completions bash > ~/.local/share/bash-completion/completions/smile
  smile completions fish > ~/.config/fish/completions/smile.fish")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write all of them into a folder
    #[command(after_help = "Examples:
  smile man | man -l -
  smile man --output-dir /usr/local/share/man/man1")]
    Man {
        /// Write smile.1, smile-run.1 and so on there.
        #[arg(long, value_name = "FOLDER")]
        output_dir: Option<PathBuf>,
    },
    /// Print a published schema (`config` or `report`)
    #[command(name = "__schema", hide = true)]
    Schema {
        /// Which.
        name: SchemaName,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum SchemaName {
    Config,
    Report,
}

const RUN_EXAMPLES: &str = "Examples:
  smile run tutorial.md
  smile run docs/ 'guides/**/*.md'
  smile run tutorial.md --network none --timeout 10m
  smile run tutorial.md --base ./debian-12.tar --with data.csv:input/data.csv
  smile run docs/ --format github,sarif --fail-on major
  smile run docs/ --fail-on critical --json > events.jsonl";

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Tutorials: files, folders or patterns; none: the configured one
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sandbox: SandboxArguments,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sandbox")]
pub(crate) struct SandboxArguments {
    /// Where the sandbox is made [default: native]
    #[arg(long, env = "SMILE_BACKEND", value_enum, hide_env = true)]
    pub(crate) backend: Option<Backend>,
    /// A root file system to start from: a folder or a tar archive [default: this system without
    /// its private places]
    #[arg(long, value_name = "PATH", env = "SMILE_BASE", hide_env = true)]
    pub(crate) base: Option<String>,
    /// What the sandbox may reach [default: internet]
    #[arg(long, env = "SMILE_NETWORK", value_enum, hide_env = true)]
    pub(crate) network: Option<Network>,
    /// Let the sandbox reach a private host or range as well: HOST, ADDRESS/BITS, either with
    /// :PORT (repeatable)
    #[arg(
        long = "allow-host",
        value_name = "HOST",
        env = "SMILE_ALLOW_HOST",
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) allow_hosts: Vec<String>,
    /// Give the reader a file or folder, read from SRC and placed at DEST in the work folder
    /// (repeatable)
    #[arg(
        long = "with",
        value_name = "SRC[:DEST]",
        env = "SMILE_WITH",
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) files: Vec<String>,
    /// No capabilities and no new privileges inside; `sudo` cannot work then
    #[arg(long, env = "SMILE_STRICT", hide_env = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL", hide_possible_values = true)]
    pub(crate) strict: Option<bool>,
    /// Start even where this limit cannot be enforced (repeatable)
    #[arg(
        long = "allow-missing-limit",
        value_name = "LIMIT",
        env = "SMILE_ALLOW_MISSING_LIMIT",
        value_enum,
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) allow_missing_limits: Vec<LimitName>,
    /// The reader's circumstances [default: default]
    #[arg(long, env = "SMILE_PERSONA", value_enum, hide_env = true)]
    pub(crate) persona: Option<Persona>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// The whole run's time, such as 90, 90s, 30m or 2h [default: 30m]
    #[arg(long, value_name = "TIME", env = "SMILE_TIMEOUT", value_parser = seconds, hide_env = true)]
    pub(crate) timeout: Option<NonZeroU64>,
    /// One step's time, whatever it does [default: 10m]
    #[arg(long, value_name = "TIME", env = "SMILE_STEP_TIMEOUT", value_parser = seconds, hide_env = true)]
    pub(crate) step_timeout: Option<NonZeroU64>,
    /// End at the first gap that blocks, as a learner would
    #[arg(long, env = "SMILE_STOP_AT_FIRST", hide_env = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL", hide_possible_values = true)]
    pub(crate) stop_at_first: Option<bool>,
    /// From which severity on gaps make the exit code 1 [default: major]
    #[arg(long, value_name = "SEVERITY", env = "SMILE_FAIL_ON", value_enum, hide_env = true)]
    pub(crate) fail_on: Option<FailOn>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// The folder of the reports [default: the current one]
    #[arg(long, value_name = "FOLDER", env = "SMILE_OUTPUT_DIR", hide_env = true)]
    pub(crate) output_dir: Option<String>,
    /// The reports to write (several: `md,sarif,github`) [default: md,json]
    #[arg(
        long = "format",
        value_name = "FORMAT",
        env = "SMILE_FORMAT",
        value_enum,
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) formats: Vec<Format>,
    /// Print events as JSON lines instead of progress
    #[arg(long, conflicts_with_all = ["quiet", "verbose"])]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print each step's output and what is only read, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArguments {
    /// The configuration [default: smile.json in the tutorial's folder or above]
    #[arg(long, value_name = "FILE", env = "SMILE_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// Refuse unknown fields in the configuration
    #[arg(long, env = "SMILE_STRICT_CONFIG", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) strict_config: bool,
    /// Where the latest run's state goes [default: .smile/state.json beside the configuration or
    /// tutorial]
    #[arg(long, value_name = "FILE", env = "SMILE_STATE_FILE", hide_env = true)]
    pub(crate) state_file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Tutorials: files, folders or patterns; none: the configured one
    pub(crate) paths: Vec<PathBuf>,
    /// From which severity on findings make the exit code 1 [default: major]
    #[arg(long, value_name = "SEVERITY", env = "SMILE_FAIL_ON", value_enum, hide_env = true)]
    pub(crate) fail_on: Option<FailOn>,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The tutorial; none: the configured one
    pub(crate) path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The ids of runs, or the beginnings of them; none: the latest
    pub(crate) runs: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value = "md")]
    pub(crate) format: Format,
    /// List the runs that are kept instead
    #[arg(long, conflicts_with_all = ["runs", "format"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The folder
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Replace a smile.json that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Print it instead
    #[arg(long, conflicts_with = "force")]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Remove what killed runs left behind
    #[arg(long)]
    pub(crate) clean: bool,
}

impl RunArguments {
    /// What flags and environment say, in the form of a configuration.
    pub(crate) fn options(&self) -> Options {
        fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
            (!list.is_empty()).then(|| list.to_vec())
        }
        Options {
            backend: self.sandbox.backend,
            base: self.sandbox.base.clone(),
            network: self.sandbox.network,
            allow_hosts: some(&self.sandbox.allow_hosts),
            files: some(&self.sandbox.files),
            strict: self.sandbox.strict,
            allow_missing_limits: some(&self.sandbox.allow_missing_limits),
            persona: self.sandbox.persona,
            timeout: self.limits.timeout,
            step_timeout: self.limits.step_timeout,
            stop_at_first: self.limits.stop_at_first,
            fail_on: self.limits.fail_on,
            output_dir: self.output.output_dir.clone(),
            formats: some(&self.output.formats),
            state_file: self.config.state_file.clone(),
            ..Options::default()
        }
    }
}

/// `90`, `90s`, `30m`, `2h`.
fn seconds(text: &str) -> Result<NonZeroU64, String> {
    let (digits, unit) = match text.find(|character: char| !character.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("a number with `s`, `m` or `h`, such as `90s`".to_owned()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .and_then(NonZeroU64::new)
        .ok_or_else(|| "at least one second, such as `90s`".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(seconds(text).ok().map(NonZeroU64::get), expected, "{text}");
        };
        check("90", Some(90));
        check("90s", Some(90));
        check("30m", Some(1800));
        check("2h", Some(7200));
        for bad in ["", "0", "m", "-1", "1d", "99999999999999999999", "9999999999999999999h"] {
            check(bad, None);
        }
    }
}
