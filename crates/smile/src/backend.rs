//! The backend that sandboxes are made with, and what runs it.

use std::{path::PathBuf, sync::Arc};

use smile_sandbox::native::{Native, Settings};

use crate::failure::{Failure, exit};

/// The native backend with its cache in the user's own.
pub(crate) fn native() -> Result<Arc<Native>, Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Arc::new(Native::new(Settings::new(cache()?, environment))))
}

/// `$XDG_CACHE_HOME/smile/native`, or the same below the home folder.
pub(crate) fn cache() -> Result<PathBuf, Failure> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("smile/native"))
        .ok_or_else(|| Failure {
            code: exit::USAGE,
            message: "neither XDG_CACHE_HOME nor HOME is set".to_owned(),
            hint: "set XDG_CACHE_HOME to a folder that you may write to".to_owned(),
        })
}

/// What carries out asynchronous work: two threads, for a program that mostly waits.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::harness(&error, "free some memory or processes"))
}
