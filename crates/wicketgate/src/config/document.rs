//! The raw configuration: the file's text and the environment's overrides, not yet understood.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::problem::Problems;

/// The prefix of environment variables that override keys.
const PREFIX: &str = "WICKETGATE__";

/// Where a configuration comes from. The binary collects it; nothing below reads the environment.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file's text.
    pub text: String,
    /// The directory that relative file names are relative to.
    pub directory: PathBuf,
    /// The whole environment: overrides, and what `{ env = "NAME" }` refers to.
    pub environment: BTreeMap<String, String>,
}

/// The configuration as a tree, with the overrides laid over it.
pub(super) struct Document {
    pub(super) root: Table,
    /// The dotted keys whose value came from the environment, and the variable's name.
    pub(super) overridden: BTreeMap<String, String>,
    pub(super) source: Source,
}

impl Document {
    pub(super) fn read(source: &Source) -> Result<Self, Problems> {
        let mut root: Table = source.text.parse().map_err(|error: toml::de::Error| {
            Problems::of_file(
                format!("the file is not valid TOML: {}", place_and_reason(&source.text, &error)),
                "Correct the line; `wicketgate config reference` shows the right form",
            )
        })?;
        let mut overridden = BTreeMap::new();
        for (variable, value) in &source.environment {
            let Some(path) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            let keys: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
            if set(&mut root, &keys, value) {
                overridden.insert(keys.join("."), variable.clone());
            } else {
                return Err(Problems::of_file(
                    format!("the environment variable {variable} does not fit the file"),
                    "Write WICKETGATE__SECTION__KEY; arrays of tables cannot be overridden",
                ));
            }
        }
        Ok(Self { root, overridden, source: source.clone() })
    }
}

/// Sets a key; `false` if something on the way is not a section.
fn set(table: &mut Table, keys: &[String], value: &str) -> bool {
    match keys {
        [] => false,
        [key] if key.is_empty() => false,
        [key] => {
            if table.get(key).is_some_and(|old| old.is_array() && is_array_of_tables(old)) {
                return false;
            }
            table.insert(key.clone(), Value::String(value.to_owned()));
            true
        }
        [key, rest @ ..] => {
            let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            inner.as_table_mut().is_some_and(|inner| set(inner, rest, value))
        }
    }
}

fn is_array_of_tables(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_table))
}

/// Without the line itself, which the error would show and which may hold a secret.
fn place_and_reason(text: &str, error: &toml::de::Error) -> String {
    let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {reason}", before.matches('\n').count() + 1),
        None => reason,
    }
}
