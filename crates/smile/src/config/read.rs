//! Reads `smile.json` with positions: what is wrong is named by line and column with what is
//! allowed there; what is unknown, with the nearest name.

use std::path::{Path, PathBuf};

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{Object, Value},
    common::Ranged as _,
    parse_to_ast,
};
use serde_json::Value as Json;

use super::{Options, schema};

/// A configuration is small; a larger file is something else.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A field that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// From 1.
    pub(crate) line: usize,
    /// From 1.
    pub(crate) column: usize,
    /// With the objects around it: `studentBehavior.patience`.
    pub(crate) field: String,
    /// The name that was probably meant.
    pub(crate) nearest: Option<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    #[error("could not read the configuration `{}`", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// It is no configuration at all.
    #[error("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge { path: PathBuf },
    /// It is no JSON.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Syntax { path: PathBuf, line: usize, column: usize, what: String },
    /// A field's value is not allowed.
    #[error("{}:{line}:{column}: `{field}` is {found}, but {allowed} is allowed", path.display())]
    BadValue {
        path: PathBuf,
        line: usize,
        column: usize,
        field: String,
        found: String,
        allowed: String,
    },
    /// With `--strict-config`: a field is unknown.
    #[error("{}:{}:{}: there is no field `{}`", path.display(), warning.line, warning.column, warning.field)]
    Unknown { path: PathBuf, warning: Warning },
}

impl ConfigError {
    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Io { .. } => "check the path given with `--config`".to_owned(),
            Self::TooLarge { .. } => "`smile init` writes a configuration to start from".to_owned(),
            Self::Syntax { .. } => {
                "it is JSON; comments and trailing commas are allowed as well".to_owned()
            }
            Self::BadValue { .. } => {
                "`smile init --print` shows every field with its default".to_owned()
            }
            Self::Unknown { warning, .. } => match &warning.nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`smile init --print` shows every field".to_owned(),
            },
        }
    }
}

/// Reads and checks the configuration at `path`. Paths in it come out relative to where `path`
/// itself is relative to.
pub(crate) fn read(path: &Path) -> Result<(Options, Vec<Warning>), ConfigError> {
    let io = |source| ConfigError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(io)?.len() > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(error.as_bytes(), error.utf8_error().valid_up_to());
        let what = "this is not UTF-8 text".to_owned();
        ConfigError::Syntax { path: path.to_owned(), line, column, what }
    })?;
    let (mut options, warnings) = parse(path, text.trim_start_matches('\u{feff}'))?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        move_paths(&mut options, folder);
    }
    Ok((options, warnings))
}

fn parse(path: &Path, text: &str) -> Result<(Options, Vec<Warning>), ConfigError> {
    let syntax = |line, column, what: String| ConfigError::Syntax {
        path: path.to_owned(),
        line,
        column,
        what,
    };
    let rules = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &rules).map_err(|error| {
        syntax(error.line_display(), error.column_display(), lower_first(&error.kind().to_string()))
    })?;
    let Some(value) = parsed.value else {
        return Err(syntax(
            1,
            1,
            "the file is empty; `{}` is the least that is allowed".to_owned(),
        ));
    };
    let mut checker = Checker { path, text, warnings: Vec::new() };
    let json = checker.value(&value, &schema(), "")?;
    let options = serde_json::from_value(json)
        .map_err(|error| syntax(1, 1, format!("the configuration cannot be used: {error}")))?;
    Ok((options, checker.warnings))
}

fn move_paths(options: &mut Options, folder: &Path) {
    let below = |path: &mut String| *path = folder.join(&*path).display().to_string();
    for path in
        [&mut options.tutorial, &mut options.state_file, &mut options.output_dir, &mut options.base]
    {
        path.as_mut().map(below);
    }
    options.files.iter_mut().flatten().for_each(below);
}

struct Checker<'a> {
    path: &'a Path,
    text: &'a str,
    warnings: Vec<Warning>,
}

impl Checker<'_> {
    /// The value as plain JSON, without unknown fields, if `schema` allows it.
    fn value(
        &mut self,
        value: &Value<'_>,
        schema: &Json,
        field: &str,
    ) -> Result<Json, ConfigError> {
        if matches!(value, Value::NullKeyword(_)) && !field.is_empty() {
            return Ok(Json::Null); // As if it were not written: every field is optional.
        }
        let schema = present(schema);
        match (kind(schema), value) {
            ("object", Value::Object(object)) => self.object(object, schema, field),
            ("array", Value::Array(array)) => array
                .elements
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    self.value(item, &schema["items"], &format!("{field}[{index}]"))
                })
                .collect(),
            ("boolean", Value::BooleanLit(literal)) => Ok(Json::Bool(literal.value)),
            ("string", Value::StringLit(literal)) => {
                let Some(choices) = choices(schema) else {
                    return Ok(Json::String(literal.value.to_string()));
                };
                choices
                    .into_iter()
                    .find(|choice| choice.eq_ignore_ascii_case(&literal.value))
                    .map(Json::String)
                    .ok_or_else(|| self.bad(value, schema, field))
            }
            ("integer", Value::NumberLit(literal)) => {
                let least = schema["minimum"].as_u64().unwrap_or(0);
                let most = schema["maximum"].as_u64().unwrap_or(match schema["format"].as_str() {
                    Some("uint32") => u32::MAX.into(),
                    _ => u64::MAX,
                });
                match literal.value.parse::<u64>() {
                    Ok(number) if (least..=most).contains(&number) => Ok(number.into()),
                    _ => Err(self.bad(value, schema, field)),
                }
            }
            _ => Err(self.bad(value, schema, field)),
        }
    }

    fn object(
        &mut self,
        object: &Object<'_>,
        schema: &Json,
        field: &str,
    ) -> Result<Json, ConfigError> {
        let known = &schema["properties"];
        let mut out = serde_json::Map::new();
        for property in &object.properties {
            let name = property.name.as_str();
            let inner = if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
            if let Some(schema) = known.get(name) {
                let value = self.value(&property.value, schema, &inner)?;
                out.insert(name.to_owned(), value);
            } else {
                let (line, column) = position(self.text.as_bytes(), property.start());
                let nearest = nearest(name, known);
                self.warnings.push(Warning { line, column, field: inner, nearest });
            }
        }
        Ok(Json::Object(out))
    }

    fn bad(&self, value: &Value<'_>, schema: &Json, field: &str) -> ConfigError {
        let (line, column) = position(self.text.as_bytes(), value.start());
        let shown: String = value.text(self.text).chars().take(40).collect();
        let found = match value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            _ => format!("`{shown}`"),
        };
        let field = if field.is_empty() { "the configuration" } else { field }.to_owned();
        let allowed = allowed(present(schema));
        ConfigError::BadValue { path: self.path.to_owned(), line, column, field, found, allowed }
    }
}

/// An optional object is written as "it or null"; this gives it.
pub(crate) fn present(schema: &Json) -> &Json {
    let variants = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    variants.iter().find(|variant| variant["type"] == "object").unwrap_or(schema)
}

/// The schema's type; an optional field's is a list with `null` in it.
fn kind(schema: &Json) -> &str {
    match &schema["type"] {
        Json::String(kind) => kind,
        Json::Array(kinds) => {
            kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ if choices(schema).is_some() => "string",
        _ => "",
    }
}

/// The allowed strings of an enumeration, however its documented variants are written.
fn choices(schema: &Json) -> Option<Vec<String>> {
    let mut found = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        found.extend(values.iter().filter_map(Json::as_str).map(str::to_owned));
    }
    for variant in ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        found.extend(variant["const"].as_str().map(str::to_owned));
        found.extend(choices(variant).unwrap_or_default());
    }
    (!found.is_empty()).then_some(found)
}

fn allowed(schema: &Json) -> String {
    if let Some(choices) = choices(schema) {
        let quoted: Vec<_> = choices.iter().map(|choice| format!("`\"{choice}\"`")).collect();
        return match quoted.split_last() {
            Some((last, [])) => format!("only {last}"),
            Some((last, rest)) => format!("one of {} or {last}", rest.join(", ")),
            None => "nothing".to_owned(),
        };
    }
    match kind(schema) {
        "integer" => match schema["minimum"].as_u64() {
            Some(least) if least > 0 => format!("a whole number of at least {least}"),
            _ => "a whole number".to_owned(),
        },
        "boolean" => "`true` or `false`".to_owned(),
        "string" => "a string".to_owned(),
        "array" => format!("a list in which each item is {}", allowed(&schema["items"])),
        _ => "an object `{ … }`".to_owned(),
    }
}

fn nearest(name: &str, known: &Json) -> Option<String> {
    let wanted = name.to_lowercase();
    known
        .as_object()?
        .keys()
        .map(|key| (strsim::damerau_levenshtein(&key.to_lowercase(), &wanted), key))
        .filter(|(distance, key)| *distance <= 1 + key.len() / 4)
        .min()
        .map(|(_, key)| key.clone())
}

/// Line and column of a byte, from 1, in characters.
fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|&byte| byte == b'\n').count();
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match parse(Path::new("smile.json"), text) {
            Ok((_, warnings)) => warnings
                .iter()
                .map(|warning| {
                    let Warning { line, column, field, nearest } = warning;
                    format!("{line}:{column} {field} -> {}", nearest.as_deref().unwrap_or("?"))
                })
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "for {text}");
    }

    #[test]
    fn what_is_allowed_is_read() {
        let text = r#"{
            // The page to run.
            "tutorial": "docs/start.md",
            "llmProvider": "Claude", "failOn": "NEVER",
            "timeout": 90, "formats": ["md"],
            "studentBehavior": { "patienceLevel": "high", "askOnTimeout": false, },
            "limits": null,
        }"#;
        let (options, warnings) = parse(Path::new("smile.json"), text).unwrap();
        assert_eq!(warnings, []);
        assert_eq!(options.tutorial.as_deref(), Some("docs/start.md"));
        assert_eq!(options.timeout.unwrap().get(), 90);
        assert!(options.llm_provider.is_some() && options.limits.is_none());
        assert_eq!(options.student_behavior.unwrap().ask_on_timeout, Some(false));
    }

    #[test]
    fn unknown_fields_at_every_depth_name_their_place_and_neighbour() {
        check("{\n  \"tutorail\": 1\n}", "2:3 tutorail -> tutorial");
        check(
            r#"{"studentBehavior": {"patienceLevl": "low"}}"#,
            "1:22 studentBehavior.patienceLevl -> patienceLevel",
        );
        check(r#"{"zzz": 1}"#, "1:2 zzz -> ?");
    }

    #[test]
    fn bad_values_say_what_is_allowed() {
        check(
            "{\n  \"timeout\": \"soon\"\n}",
            "smile.json:2:14: `timeout` is `\"soon\"`, but a whole number of at least 1 is allowed",
        );
        check(
            r#"{"timeout": 0}"#,
            "smile.json:1:13: `timeout` is `0`, but a whole number of at least 1 is allowed",
        );
        check(
            r#"{"timeout": 1e99}"#,
            "smile.json:1:13: `timeout` is `1e99`, but a whole number of at least 1 is allowed",
        );
        check(
            r#"{"failOn": "maybe"}"#,
            "smile.json:1:12: `failOn` is `\"maybe\"`, but one of `\"minor\"`, `\"major\"`, \
             `\"critical\"` or `\"never\"` is allowed",
        );
        check(
            r#"{"formats": ["pdf"]}"#,
            "smile.json:1:14: `formats[0]` is `\"pdf\"`, but one of `\"md\"`, `\"json\"`, `\"sarif\"`, \
             `\"junit\"`, `\"github\"` or `\"tap\"` is allowed",
        );
        check(
            r#"{"formats": "md"}"#,
            "smile.json:1:13: `formats` is `\"md\"`, but a list in which each item is one of \
             `\"md\"`, `\"json\"`, `\"sarif\"`, `\"junit\"`, `\"github\"` or `\"tap\"` is allowed",
        );
        check(
            r#"{"studentBehavior": []}"#,
            "smile.json:1:21: `studentBehavior` is a list, but an object `{ … }` is allowed",
        );
        check(
            "[]",
            "smile.json:1:1: `the configuration` is a list, but an object `{ … }` is allowed",
        );
    }

    #[test]
    fn bad_syntax_has_line_and_column() {
        check(
            "{\n  \"tutorial\" \"x\"\n}",
            "smile.json:2:14: expected colon after the string or word in object property",
        );
        check("", "smile.json:1:1: the file is empty; `{}` is the least that is allowed");
        check("{\"a\": 1", "smile.json:1:1: unterminated object");
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("smile.json");
        std::fs::write(&path, r#"{"outputDir": "out", "base": "/abs"}"#).unwrap();
        let (options, _) = read(&path).unwrap();
        assert_eq!(options.output_dir, Some(folder.path().join("out").display().to_string()));
        assert_eq!(options.base.as_deref(), Some("/abs"));
    }
}
