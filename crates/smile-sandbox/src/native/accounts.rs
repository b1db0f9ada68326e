//! Accounts inside: the system's own users and groups, without the people of the host.

use std::fmt::Write as _;

/// The first number of people's accounts, and the last before the system's special ones.
const PEOPLE: std::ops::Range<u32> = 1000..65534;

/// Lets root become whoever it wants, as the learner is root.
pub(super) const SUDOERS: &str = "\
Defaults env_reset
Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"
root ALL=(ALL:ALL) NOPASSWD: ALL
";

/// apt wants to become a user of its own, which is not there.
pub(super) const APT_SINGLE_USER: &str = "APT::Sandbox::User \"root\";\n";

/// The lines of `/etc/passwd` that stay; root lives in `/root` with a shell.
pub(super) fn users(passwd: &str) -> String {
    let mut kept = String::new();
    let mut has_root = false;
    for line in passwd.lines() {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, user, group, comment, home, shell] = fields[..] else { continue };
        let Ok(number) = user.parse::<u32>() else { continue };
        if name == "root" {
            has_root = true;
            // Writing to a string does not fail.
            writeln!(kept, "root:x:0:0:root:/root:{shell}").expect("a string takes all");
        } else if number != 0 && !PEOPLE.contains(&number) {
            writeln!(kept, "{name}:x:{user}:{group}:{comment}:{home}:{shell}")
                .expect("a string takes all");
        }
    }
    if has_root { kept } else { format!("root:x:0:0:root:/root:/bin/sh\n{kept}") }
}

/// The lines of `/etc/group` that stay, without members.
pub(super) fn groups(group: &str) -> String {
    let mut kept = String::new();
    for line in group.lines() {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, number, _] = fields[..] else { continue };
        if number.parse::<u32>().is_ok_and(|number| !PEOPLE.contains(&number)) {
            writeln!(kept, "{name}:x:{number}:").expect("a string takes all");
        }
    }
    if kept.lines().any(|line| line.starts_with("root:")) {
        kept
    } else {
        format!("root:x:0:\n{kept}")
    }
}

/// `/etc/shadow` for these users: nobody has a password.
pub(super) fn shadow(users: &str) -> String {
    each_name(users, ":*:19000:0:99999:7:::\n")
}

/// `/etc/gshadow` for these groups.
pub(super) fn group_shadow(groups: &str) -> String {
    each_name(groups, ":*::\n")
}

fn each_name(lines: &str, rest: &str) -> String {
    let names = lines.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name);
    names.flat_map(|name| [name, rest]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_left_out_and_the_system_stays() {
        let passwd = "root:x:0:0:Eva Root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/bin/no\n\
                      ada:x:1000:1000:Ada L:/home/ada:/bin/bash\nnobody:x:65534:65534:n:/n:/bin/no\n\
                      broken line\ntoor:x:0:0::/root:/bin/sh\n";
        let kept = users(passwd);
        assert_eq!(
            kept,
            "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/bin/no\n\
             nobody:x:65534:65534:n:/n:/bin/no\n"
        );
        assert_eq!(shadow(&kept).lines().next(), Some("root:*:19000:0:99999:7:::"));
        assert_eq!(groups("root:x:0:\nsudo:x:27:ada\nada:x:1000:\n"), "root:x:0:\nsudo:x:27:\n");
        assert!(users("").starts_with("root:x:0:0:"));
    }
}
