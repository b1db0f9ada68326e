//! Files stay short enough to be read.

use anyhow::{Context as _, bail};

use crate::tool;

const LINES_MAX: usize = 800;
const LINES_DOUBT: usize = 500;

/// Refuses a file over [`LINES_MAX`]; names those over [`LINES_DOUBT`].
pub(crate) fn check() -> anyhow::Result<()> {
    let files =
        tool::output("git", &["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])?;
    let mut over = Vec::new();
    for file in files.lines() {
        let path = tool::root().join(file);
        if !path.exists() {
            continue; // Deleted and not committed yet.
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
        let lines = text.lines().count();
        if lines > LINES_MAX {
            over.push(format!("{file} has {lines} lines"));
        } else if lines > LINES_DOUBT {
            tool::say(&format!("doubt: {file} has {lines} lines"));
        }
    }
    if !over.is_empty() {
        bail!("files longer than {LINES_MAX} lines:\n  {}", over.join("\n  "));
    }
    tool::say("file lengths: fine");
    Ok(())
}
