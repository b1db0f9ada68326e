//! What runs: complete and checked.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use smile_sandbox::{Base, SandboxSpec, Share, network::InvalidRule};
use smile_server::{FailOn as Threshold, GoingOn, LoopSettings, Patience, StudentBehavior};

use super::{
    FailOn, Format, LimitName, Network, Options, Persona,
    options::{PatienceLevel, StudentBehaviorOptions},
};

/// The settings of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The tutorial where the command line names none.
    pub(crate) tutorial: PathBuf,
    /// The largest tutorial that is read.
    pub(crate) tutorial_bytes_max: u64,
    /// How the loop is to behave.
    pub(crate) looping: LoopSettings,
    /// The whole run's time.
    pub(crate) timeout: Duration,
    /// The sandbox, without the tutorial in it.
    pub(crate) spec: SandboxSpec,
    /// The same in words.
    pub(crate) sandbox: String,
    /// The reader's circumstances.
    pub(crate) persona: &'static str,
    /// Where the latest run's state goes; none: beside the configuration or the tutorial.
    pub(crate) state_file: Option<PathBuf>,
    /// The folder of the reports.
    pub(crate) output_dir: PathBuf,
    /// The reports that are wanted.
    pub(crate) formats: Vec<Format>,
    /// From which severity on gaps fail the run.
    pub(crate) fail_on: Threshold,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The base is not there.
    #[error("there is no root file system `{}`", path.display())]
    NoBase { path: PathBuf },
    /// A file for the reader is not there.
    #[error("there is no file or folder `{}` to give the reader", path.display())]
    NoFile { path: PathBuf },
    /// Not a host.
    #[error("a host that may be reached cannot be used")]
    BadHost(#[source] InvalidRule),
    /// A file's place leaves the work folder.
    #[error("`{destination}` leaves the reader's work folder")]
    Outside { destination: String },
}

impl SettingsError {
    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoBase { .. } => {
                "name a folder with a root file system, or a tar archive of one; without `--base` \
                 this system's own is used"
            }
            Self::NoFile { .. } => {
                "`--with SRC[:DEST]` takes SRC from this machine; check its path"
            }
            Self::BadHost(_) => "write `registry.example.org:4873`, `10.0.0.5` or `10.0.0.0/8`",
            Self::Outside { .. } => "name a place below the work folder, or an absolute one",
        }
    }
}

impl Settings {
    /// Fills in the defaults and checks what can be checked before a run.
    pub(crate) fn new(options: &Options) -> Result<Self, SettingsError> {
        let persona = options.persona.unwrap_or(Persona::Default);
        let network = match (persona, options.network.unwrap_or(Network::Internet)) {
            (Persona::Offline, _) | (Persona::Default, Network::None) => Network::None,
            (Persona::Default, network) => network,
        };
        let (base, base_words) = base(options.base.as_deref())?;
        let mut spec = SandboxSpec::new(base).with_network(match network {
            Network::Internet => smile_sandbox::Network::Internet,
            Network::None => smile_sandbox::Network::None,
            Network::Host => smile_sandbox::Network::Host,
        });
        for host in options.allow_hosts.iter().flatten() {
            spec.allow_hosts.push(host.parse().map_err(SettingsError::BadHost)?);
        }
        for file in options.files.iter().flatten() {
            spec = spec.with_share(share(file)?);
        }
        limit(&mut spec, options);
        let formats = options.formats.clone().unwrap_or_else(|| vec![Format::Md, Format::Json]);
        let network_words = match network {
            Network::Internet => "internet",
            Network::None => "no network",
            Network::Host => "this machine's network",
        };
        Ok(Self {
            tutorial: options.tutorial.as_deref().unwrap_or("tutorial.md").into(),
            tutorial_bytes_max: options
                .tutorial_bytes_max
                .map_or(smile_server::PAGE_BYTES_MAX, NonZeroU64::get),
            looping: looping(options),
            timeout: options.timeout.map_or(Duration::from_mins(30), seconds),
            spec,
            sandbox: format!("native sandbox, {base_words}, {network_words}"),
            persona: match persona {
                Persona::Default => "default",
                Persona::Offline => "offline",
            },
            state_file: options.state_file.as_ref().map(PathBuf::from),
            output_dir: options.output_dir.as_deref().unwrap_or("").into(),
            formats,
            fail_on: threshold(options.fail_on),
        })
    }
}

/// From which severity on gaps count.
fn threshold(fail_on: Option<FailOn>) -> Threshold {
    match fail_on.unwrap_or(FailOn::Major) {
        FailOn::Minor => Threshold::Minor,
        FailOn::Major => Threshold::Major,
        FailOn::Critical => Threshold::Critical,
        FailOn::Never => Threshold::Never,
    }
}

fn base(given: Option<&str>) -> Result<(Base, String), SettingsError> {
    let Some(given) = given else { return Ok((Base::Host, "this system".to_owned())) };
    let path = PathBuf::from(given);
    let words = format!("base {}", path.display());
    if path.is_dir() {
        Ok((Base::Folder(path), words))
    } else if path.is_file() {
        Ok((Base::Archive(path), words))
    } else {
        Err(SettingsError::NoBase { path })
    }
}

/// `SRC[:DEST]`; a copy, so that the reader can change it.
fn share(given: &str) -> Result<Share, SettingsError> {
    let (source, destination) = match given.rsplit_once(':') {
        Some((source, destination)) if !Path::new(given).exists() => {
            (PathBuf::from(source), destination.to_owned())
        }
        _ => (PathBuf::from(given), String::new()),
    };
    if !source.exists() {
        return Err(SettingsError::NoFile { path: source });
    }
    let destination = if destination.is_empty() {
        // A source such as `.` has its name only in its absolute form.
        let absolute = source.canonicalize().unwrap_or_else(|_| source.clone());
        absolute.file_name().map_or_else(|| PathBuf::from("."), PathBuf::from)
    } else {
        PathBuf::from(destination)
    };
    if destination.components().any(|part| part == Component::ParentDir) {
        return Err(SettingsError::Outside { destination: destination.display().to_string() });
    }
    Ok(Share { source, destination, copied: true })
}

fn limit(spec: &mut SandboxSpec, options: &Options) {
    let limits = options.limits.clone().unwrap_or_default();
    let set = &mut spec.limits;
    set.memory_bytes_max = limits.memory_bytes_max.map_or(set.memory_bytes_max, NonZeroU64::get);
    set.processes_max = limits.processes_max.map_or(set.processes_max, NonZeroU32::get);
    set.disk_bytes_max = limits.disk_bytes_max.map_or(set.disk_bytes_max, NonZeroU64::get);
    set.may_be_missing = options
        .allow_missing_limits
        .iter()
        .flatten()
        .map(|name| {
            match name {
                LimitName::Memory => "memory",
                LimitName::Processes => "processes",
                LimitName::Disk => "disk",
                LimitName::Cpu => "cpu",
            }
            .to_owned()
        })
        .collect();
    let pass = options.environment.as_ref().and_then(|environment| environment.pass.clone());
    spec.environment_pass.extend(pass.into_iter().flatten());
    spec.strict = options.strict.unwrap_or(false);
}

fn looping(options: &Options) -> LoopSettings {
    let given = options.student_behavior.clone().unwrap_or_default();
    let mut settings = LoopSettings::default();
    settings.student = behavior(&given, &settings.student);
    settings.iterations_max = options.max_iterations.unwrap_or(settings.iterations_max);
    settings.step_limit = options.step_timeout.map_or(settings.step_limit, seconds);
    if options.stop_at_first == Some(true) {
        settings.going_on = GoingOn::StopAtFirst;
    }
    settings
}

fn behavior(given: &StudentBehaviorOptions, usual: &StudentBehavior) -> StudentBehavior {
    StudentBehavior {
        retries_max: given.max_retries_before_help.unwrap_or(usual.retries_max),
        ask_on_missing_dependency: given
            .ask_on_missing_dependency
            .unwrap_or(usual.ask_on_missing_dependency),
        ask_on_ambiguous_instruction: given
            .ask_on_ambiguous_instruction
            .unwrap_or(usual.ask_on_ambiguous_instruction),
        ask_on_command_failure: given
            .ask_on_command_failure
            .unwrap_or(usual.ask_on_command_failure),
        ask_on_timeout: given.ask_on_timeout.unwrap_or(usual.ask_on_timeout),
        silence_limit: given.timeout_seconds.map_or(usual.silence_limit, seconds),
        patience: match given.patience_level {
            Some(PatienceLevel::Low) => Patience::Low,
            Some(PatienceLevel::Medium) => Patience::Medium,
            Some(PatienceLevel::High) => Patience::High,
            None => usual.patience,
        },
    }
}

fn seconds(seconds: NonZeroU64) -> Duration {
    Duration::from_secs(seconds.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_for_the_reader_have_a_place_in_the_work_folder() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("a:b.txt");
        std::fs::write(&source, "x").unwrap();
        let source = source.display().to_string();
        let place = |given: &str| share(given).map(|share| share.destination.display().to_string());
        assert_eq!(place(&source).unwrap(), "a:b.txt");
        assert_eq!(place(&format!("{source}:in/c.txt")).unwrap(), "in/c.txt");
        assert!(matches!(place("/no/such"), Err(SettingsError::NoFile { .. })));
        assert!(matches!(place(&format!("{source}:../x")), Err(SettingsError::Outside { .. })));
    }

    #[test]
    fn offline_has_no_network_whatever_else_is_said() {
        let options = Options {
            persona: Some(Persona::Offline),
            network: Some(Network::Host),
            ..Options::default()
        };
        let settings = Settings::new(&options).unwrap();
        assert_eq!(settings.spec.network, smile_sandbox::Network::None);
    }

    #[test]
    fn nothing_written_gives_the_documented_defaults() {
        let settings = Settings::new(&Options::default()).unwrap();
        assert_eq!(settings.timeout, Duration::from_mins(30));
        assert_eq!(settings.looping.step_limit, Duration::from_mins(10));
        assert_eq!(settings.looping.student, StudentBehavior::default());
        assert_eq!(settings.spec.network, smile_sandbox::Network::Internet);
        assert_eq!(settings.formats, [Format::Md, Format::Json]);
    }
}
