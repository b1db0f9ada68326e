//! The arrows between crates are drawn here and in `ARCHITECTURE.md`; a new one is a change of
//! design.

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::tool;

const ARROWS: &[(&str, &[&str])] = &[
    (
        "smile",
        &["server", "sandbox", "call", "supervisor", "guest", "report", "tutorial", "resilience"],
    ),
    (
        "smile-server",
        &[
            "loop",
            "tutorial",
            "agent",
            "sandbox",
            "supervisor",
            "call",
            "report",
            "resilience",
            "guest",
        ],
    ),
    ("smile-agent", &["sandbox", "loop", "resilience"]),
    ("smile-sandbox", &["guest", "call", "resilience"]),
    ("smile-guest", &["call", "loop", "resilience"]),
    ("smile-report", &["loop", "tutorial"]),
    ("smile-loop", &["tutorial"]),
    ("smile-call", &["resilience"]),
    ("smile-supervisor", &["resilience"]),
    ("smile-tutorial", &[]),
    ("smile-resilience", &[]),
    ("xtask", &[]),
];

/// Refuses an arrow that is not drawn. Arrows of tests are free.
pub(crate) fn check() -> anyhow::Result<()> {
    let text = tool::output("cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&text).context("reading cargo metadata")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("the crate `{name}` is not drawn"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let inside = dependency["path"].is_string() && dependency["kind"] != "dev";
            let drawn = to.strip_prefix("smile-").is_some_and(|short| allowed.contains(&short));
            if inside && !drawn {
                wrong.push(format!("`{name}` -> `{to}` is not drawn"));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("arrows between crates:\n  {}", wrong.join("\n  "));
    }
    tool::say("arrows between crates: as drawn");
    Ok(())
}
