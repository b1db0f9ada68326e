//! The published schemas are what the program itself says.

use std::fs;

use anyhow::{Context as _, bail};

use crate::tool;

const SCHEMAS: [(&str, &str); 2] = [
    ("config", "docs/schema/smile.schema.json"),
    ("report", "docs/schema/smile-report.schema.json"),
];

/// Writes them anew.
pub(crate) fn write() -> anyhow::Result<()> {
    for (name, file) in SCHEMAS {
        let path = tool::root().join(file);
        fs::create_dir_all(path.parent().context("a schema has a folder")?)?;
        fs::write(&path, current(name)?).with_context(|| format!("writing {file}"))?;
        tool::say(&format!("wrote {file}"));
    }
    Ok(())
}

/// Refuses one that is out of date.
pub(crate) fn check() -> anyhow::Result<()> {
    for (name, file) in SCHEMAS {
        let published = fs::read_to_string(tool::root().join(file)).unwrap_or_default();
        if published != current(name)? {
            bail!("`{file}` is out of date; `cargo xtask schema` writes it anew");
        }
    }
    tool::say("published schemas: up to date");
    Ok(())
}

fn current(name: &str) -> anyhow::Result<String> {
    tool::output("cargo", &["run", "--quiet", "--package", "smile", "--", "__schema", name])
}
