//! From flags to settings: the configuration is found, read, complained about, and overridden.

use std::path::{Path, PathBuf};

use super::{
    Options, Settings,
    find::find,
    read::{ConfigError, read},
};
use crate::{cli::ConfigArguments, failure::Failure, output};

/// Settings and where they come from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The settings.
    pub(crate) settings: Settings,
    /// The configuration's folder, where there is one.
    pub(crate) folder: Option<PathBuf>,
}

/// Loads the configuration for `paths` and lets `flags` override it.
pub(crate) fn load(
    arguments: &ConfigArguments,
    paths: &[PathBuf],
    flags: Options,
) -> Result<Loaded, Failure> {
    let path = arguments.config.clone().or_else(|| find(&start(paths)));
    let mut file = Options::default();
    if let Some(path) = &path {
        let (options, warnings) =
            read(path).map_err(|error| Failure::usage(&error, error.hint()))?;
        for warning in warnings {
            let error = ConfigError::Unknown { path: path.clone(), warning };
            if arguments.strict_config {
                return Err(Failure::usage(&error, error.hint()));
            }
            output::warning(&error.to_string(), &error.hint());
        }
        for (field, why) in options.without_effect() {
            output::warning(&format!("{}: `{field}` has no effect: {why}", path.display()), "");
        }
        file = options;
    }
    let settings =
        Settings::new(&flags.or(file)).map_err(|error| Failure::usage(&error, error.hint()))?;
    let folder = path.map(|path| path.parent().unwrap_or(Path::new("")).to_owned());
    Ok(Loaded { settings, folder })
}

/// Where the search begins: the folder of the first tutorial that is named, else this one.
fn start(paths: &[PathBuf]) -> PathBuf {
    let Some(first) = paths.first() else { return PathBuf::from(".") };
    let existing = first.ancestors().find(|path| path.is_dir());
    existing.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}
