//! `smile init`: a commented configuration to start from, made from the schema, so that it never
//! lacks a field and never describes one wrongly.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    cli::InitArguments,
    config,
    failure::{Failure, exit},
    output,
};

/// Writes `smile.json`, or prints it.
pub(crate) fn init(arguments: &InitArguments) -> Result<u8, Failure> {
    let text = start();
    if arguments.print {
        output::print(&text)?;
        return Ok(exit::OK);
    }
    let path = arguments.folder.join("smile.json");
    if path.exists() && !arguments.force {
        return Err(Failure {
            code: exit::USAGE,
            message: format!("`{}` is there already", path.display()),
            hint: "`smile init --force` replaces it; `smile init --print` only shows it".to_owned(),
        });
    }
    if !arguments.folder.is_dir() {
        return Err(Failure {
            code: exit::USAGE,
            message: format!("there is no folder `{}`", arguments.folder.display()),
            hint: "make it first, or name another".to_owned(),
        });
    }
    smile_server::write_atomically(&path, text.as_bytes()).map_err(|error| Failure {
        code: exit::USAGE,
        message: format!("could not write `{}`: {error}", path.display()),
        hint: "name a folder that you may write to".to_owned(),
    })?;
    output::print(&format!(
        "Wrote {}. Every field in it is optional and shows its default.\nNext: smile run\n",
        path.display()
    ))?;
    Ok(exit::OK)
}

/// What each field is set to where nothing is written, as JSON; those that are not listed have no
/// default to show.
const DEFAULTS: &[(&str, &str)] = &[
    ("tutorial", r#""tutorial.md""#),
    ("timeout", "1800"),
    ("stepTimeout", "600"),
    ("maxIterations", "10"),
    ("stateFile", r#"".smile/state.json""#),
    ("outputDir", r#"".""#),
    ("backend", r#""native""#),
    ("network", r#""internet""#),
    ("allowHosts", "[]"),
    ("files", "[]"),
    ("environment.pass", "[]"),
    ("limits.memoryBytesMax", "4294967296"),
    ("limits.processesMax", "1024"),
    ("limits.diskBytesMax", "8589934592"),
    ("strict", "false"),
    ("allowMissingLimits", "[]"),
    ("stopAtFirst", "false"),
    ("failOn", r#""major""#),
    ("formats", r#"["md", "json"]"#),
    ("persona", r#""default""#),
    ("tutorialBytesMax", "102400"),
    ("studentBehavior.maxRetriesBeforeHelp", "3"),
    ("studentBehavior.askOnMissingDependency", "true"),
    ("studentBehavior.askOnAmbiguousInstruction", "true"),
    ("studentBehavior.askOnCommandFailure", "true"),
    ("studentBehavior.askOnTimeout", "true"),
    ("studentBehavior.timeoutSeconds", "60"),
    ("studentBehavior.patienceLevel", r#""low""#),
];

/// Fields that only matter to a backend or a student that this file does not choose.
const LEFT_OUT: &[&str] =
    &["$schema", "llmProvider", "containerImage", "container", "maxIterations"];

fn start() -> String {
    let mut text = String::from(
        "// The configuration of SMILE. Every field is optional; what is commented out shows the\n\
         // default. Paths are relative to this file.\n{\n",
    );
    fields(&mut text, &config::schema(), "", "  ");
    text.push_str("}\n");
    text
}

fn fields(text: &mut String, schema: &Value, prefix: &str, indent: &str) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, field) in properties {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let description = field["description"].as_str().unwrap_or_default();
        let description = description.split(" Default: ").next().unwrap_or_default();
        for line in output::wrapped(description, 92) {
            let _ = writeln!(text, "{indent}// {line}");
        }
        let object = config::present(field);
        if object["properties"].is_object() {
            let _ = writeln!(text, "{indent}\"{name}\": {{");
            fields(text, object, &format!("{path}."), &format!("{indent}  "));
            let _ = writeln!(text, "{indent}}},");
            continue;
        }
        let default = DEFAULTS.iter().find(|(known, _)| *known == path).map(|(_, value)| *value);
        // The tutorial is the one thing that most people set.
        let comment = if path == "tutorial" { "" } else { "// " };
        let value = default.unwrap_or(r#""""#);
        let _ = writeln!(text, "{indent}{comment}\"{name}\": {value},");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_without_a_warning_also_with_every_comment_opened() {
        let text = start();
        let opened: String = text
            .lines()
            .map(|line| match line.trim_start().strip_prefix("// \"") {
                Some(rest) => format!("\"{rest}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("smile.json");
        for text in [&text, &opened] {
            std::fs::write(&path, text).unwrap();
            let (options, warnings) = config::read(&path).unwrap();
            assert_eq!(warnings, []);
            assert!(options.tutorial.is_some(), "{text}");
        }
        assert!(opened.contains("\"timeout\": 1800,\n"), "{opened}");
    }

    #[test]
    fn defaults_are_of_fields_that_exist() {
        let schema = config::schema();
        for (path, _) in DEFAULTS {
            let known = path
                .split('.')
                .try_fold(&schema, |schema, name| config::present(schema)["properties"].get(name));
            assert!(known.is_some(), "{path}");
        }
    }
}
