//! Getters for values of a rarer shape: one of several words, names with values, files.

mod moment;

use std::collections::BTreeMap;

use kernel::Redacted;
use toml::{Table, Value};

use super::{Reader, SECRET_FIX, hide};

impl Reader<'_> {
    /// One of these words, the first being the default. `None` only together with a filed problem.
    pub(in crate::config) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let default = choices.first().map_or("", |(name, _)| name);
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let fix = format!("Write one of: {}", names.join(", "));
        self.parsed(key, default, &fix, |text| {
            let found = choices.iter().find(|(name, _)| *name == text);
            found.map(|(_, value)| *value).ok_or("there is no such choice")
        })
    }

    /// A text; a missing or empty one is none.
    pub(in crate::config) fn optional_text(&self, key: &str) -> Option<String> {
        Some(self.text(key, "")).filter(|text| !text.is_empty())
    }

    /// A whole number within bounds, if it is there.
    pub(in crate::config) fn optional_integer(
        &self,
        key: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        if !self.has(key) {
            self.known(key);
            return None;
        }
        let default = *bounds.start();
        Some(self.integer(key, default, bounds))
    }

    /// A part of a whole, from 0 to 1.
    pub(in crate::config) fn ratio(&self, key: &str, default: f64) -> f64 {
        let given = match self.get(key) {
            Some(Value::Float(number)) => Some(*number),
            Some(Value::Integer(0)) => Some(0.0),
            Some(Value::Integer(1)) => Some(1.0),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
            None => Some(default),
        };
        let ratio = given.filter(|ratio| (0.0..=1.0).contains(ratio));
        if let (None, Some(value)) = (ratio, self.get(key)) {
            self.problem(
                key,
                value,
                "it is not a number from 0.0 to 1.0",
                "Write a number from 0.0 to 1.0",
            );
        }
        let ratio = ratio.unwrap_or(default);
        self.show(key, Value::Float(ratio).to_string());
        ratio
    }

    /// Names with one text each.
    pub(in crate::config) fn texts_by_name(&self, key: &str) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for (name, value) in self.table_of(key, "Write { name = \"value\" }") {
            match value {
                Value::String(text) => texts.push((name.clone(), text.clone())),
                other => self.problem(
                    &format!("{key}.{name}"),
                    other,
                    "it must be text in quotes",
                    "Put it in quotes",
                ),
            }
        }
        texts
    }

    /// Names with one secret each, as in [`Reader::secret`]. Always looked up.
    pub(in crate::config) fn secrets_by_name(&self, key: &str) -> Vec<(String, Redacted)> {
        let table = match self.get(key) {
            Some(Value::Table(table)) => Some(table),
            Some(_) => {
                // What was meant may be a secret, so it is not shown.
                let fix = "Write { NAME = \"value\", OTHER = { env = \"NAME\" } }";
                self.misplaced(key, "it must be a table", fix);
                None
            }
            None => None,
        };
        let names: Vec<String> =
            table.into_iter().flat_map(Table::keys).map(|name| format!("{name} = ***")).collect();
        self.show(key, format!("{{{}}}", names.join(", ")));
        let mut secrets = Vec::new();
        for (name, value) in table.into_iter().flat_map(Table::iter) {
            let resolved = match value {
                Value::String(text) => Ok(Redacted::new(text.clone())),
                Value::Table(reference) => self.resolve(reference),
                _ => Err((
                    "it must be text in quotes, { env = … } or { file = … }".into(),
                    String::new(),
                )),
            };
            match resolved {
                Ok(secret) => secrets.push((name.clone(), secret)),
                Err((reason, reference)) => {
                    let key = format!("{}.{name}", self.key(key));
                    self.file(key, reference, &reason, SECRET_FIX);
                }
            }
        }
        secrets
    }

    /// A list of secrets, each as in [`Reader::secret`]. Always looked up.
    pub(in crate::config) fn secrets(&self, key: &str) -> Vec<Redacted> {
        let items: &[Value] = match self.get(key) {
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(key, other, "it must be a list of secrets", "Write [{ env = … }]");
                &[]
            }
            None => &[],
        };
        self.show(key, format!("[{} secrets]", items.len()));
        let mut secrets = Vec::new();
        for item in items {
            let resolved = match item {
                Value::String(text) => Ok(Redacted::new(text.clone())),
                Value::Table(reference) => self.resolve(reference),
                _ => Err((
                    "each must be text in quotes, { env = … } or { file = … }".into(),
                    String::new(),
                )),
            };
            match resolved {
                Ok(secret) => secrets.push(secret),
                Err((reason, name)) => self.file(self.key(key), name, &reason, SECRET_FIX),
            }
        }
        secrets
    }

    /// A variable of our own environment that is no setting.
    pub(in crate::config) fn ambient(&self, name: &str) -> Option<Redacted> {
        self.document.source.environment.get(name).map(|text| Redacted::new(text.clone()))
    }

    /// A path as the configuration file means it.
    pub(in crate::config) fn beside_the_file(&self, name: &str) -> std::path::PathBuf {
        self.document.source.directory.join(name)
    }

    /// Names with a list of texts each.
    pub(in crate::config) fn lists_by_name(&self, key: &str) -> BTreeMap<String, Vec<String>> {
        let mut lists = BTreeMap::new();
        for (name, value) in self.table_of(key, "Write { name = [\"value\"] }") {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts: Vec<String> =
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            if texts.is_empty() || texts.len() < items.len() {
                let reason = "it must be a list of at least one text";
                self.problem(&format!("{key}.{name}"), value, reason, "Write [\"…\", \"…\"]");
            } else {
                lists.insert(name.clone(), texts);
            }
        }
        lists
    }

    /// What is in the file that this key names, relative to the configuration file. It is read only
    /// if `needed`.
    pub(in crate::config) fn file_text(&self, key: &str, needed: bool) -> Option<String> {
        let name = self.optional_text(key).filter(|_| needed)?;
        let path = self.document.source.directory.join(&name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) => {
                let reason = format!("the file cannot be read: {error}");
                let fix = "Name a file of text; relative names start at the configuration file";
                self.problem(key, &Value::String(name), &reason, fix);
                None
            }
        }
    }

    /// Notes a key as known without reading it.
    pub(in crate::config) fn known(&self, key: &str) {
        self.get(key);
    }

    /// Files a mistake about a key that is there and has no place here. Its value may be a secret.
    pub(in crate::config) fn misplaced(&self, key: &str, reason: &str, fix: &str) {
        self.known(key);
        self.file(self.key(key), "…".to_owned(), reason, fix);
    }

    fn table_of(&self, key: &str, fix: &str) -> impl Iterator<Item = (&String, &Value)> {
        let table = match self.get(key) {
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                self.problem(key, other, "it must be a table", fix);
                None
            }
            None => None,
        };
        self.show(key, hide::shown(&Value::Table(table.cloned().unwrap_or_default())));
        table.into_iter().flat_map(Table::iter)
    }
}
