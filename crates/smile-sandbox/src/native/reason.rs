//! From what the helper met to what the user can do.

use std::{io, path::Path};

use crate::StartError;

use super::channel::{Failure, Stage};

/// Finds the likeliest cause of a failure.
pub(super) fn start_error(failure: Failure, base: Option<&Path>) -> StartError {
    let Failure { stage, what, errno, text } = failure;
    let source = errno.map_or_else(|| io::Error::other(text), io::Error::from_raw_os_error);
    let forbidden = matches!(errno, Some(libc::EPERM | libc::EACCES));
    match stage {
        Stage::UserNamespace | Stage::IdMap => {
            if is_restricted_by_apparmor() {
                StartError::AppArmor { what, source }
            } else if is_container() && !are_namespaces_off() {
                StartError::Container { what, source }
            } else {
                StartError::UserNamespacesOff { what, source }
            }
        }
        // Where AppArmor restricts user namespaces, one can be made and then gives no rights.
        Stage::Namespaces | Stage::Network | Stage::Overlay | Stage::Proc
            if forbidden && is_restricted_by_apparmor() =>
        {
            StartError::AppArmor { what, source }
        }
        Stage::Namespaces | Stage::Overlay | Stage::Proc | Stage::Devices | Stage::Pivot
            if forbidden && is_container() =>
        {
            StartError::Container { what, source }
        }
        Stage::Overlay => StartError::Overlay { what, source },
        Stage::Base => match base {
            Some(path) => StartError::Base { path: path.to_owned(), source },
            None => StartError::System { what, source },
        },
        Stage::Share => StartError::Share { what, source },
        Stage::Store => StartError::Cache { what, source },
        Stage::Limits if errno.is_none() => StartError::Limit { what },
        Stage::Plan
        | Stage::Namespaces
        | Stage::Proc
        | Stage::Devices
        | Stage::Files
        | Stage::Network
        | Stage::Pivot
        | Stage::Limits
        | Stage::Harden => StartError::System { what, source },
    }
}

fn setting(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

fn is_restricted_by_apparmor() -> bool {
    setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1")
}

fn are_namespaces_off() -> bool {
    setting("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0")
        || setting("/proc/sys/user/max_user_namespaces").as_deref() == Some("0")
}

fn is_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
        || setting("/proc/1/environ").is_some_and(|environment| {
            environment.split('\0').any(|variable| variable.starts_with("container="))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(stage: Stage, errno: Option<i32>) -> StartError {
        let failure = Failure { stage, what: "it".to_owned(), errno, text: "why".to_owned() };
        start_error(failure, Some(Path::new("/base")))
    }

    #[test]
    fn each_cause_has_its_own_advice() {
        assert!(matches!(error(Stage::Base, Some(libc::ENOENT)), StartError::Base { .. }));
        assert!(matches!(error(Stage::Overlay, Some(libc::ENODEV)), StartError::Overlay { .. }));
        assert!(matches!(error(Stage::Share, Some(libc::ENOENT)), StartError::Share { .. }));
        assert!(matches!(error(Stage::Store, Some(libc::ENOSPC)), StartError::Cache { .. }));
        assert!(matches!(error(Stage::Limits, None), StartError::Limit { .. }));
        assert!(matches!(error(Stage::Limits, Some(libc::EPERM)), StartError::System { .. }));
        // Which of the three it is depends on the machine.
        let refused = error(Stage::UserNamespace, Some(libc::EPERM));
        assert!(matches!(
            refused,
            StartError::UserNamespacesOff { .. }
                | StartError::AppArmor { .. }
                | StartError::Container { .. }
        ));
        assert!(!refused.hint().is_empty());
    }
}
