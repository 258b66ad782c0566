//! Typed access to the configuration that collects mistakes instead of stopping at the first.
//!
//! Each getter notes the key as known, records the effective value for `config show`, and on a
//! mistake files a [`Problem`] and goes on with the default. What no getter asked for is an
//! unknown key.

mod values;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use kernel::Redacted;
use kernel::encoding::sha256;
use toml::{Table, Value};

use super::document::Document;
use super::fingerprint::SecretDigests;
use super::hide;
use super::problem::{Problem, Problems};
use super::show::{Origin, Shown};

/// What to do about a secret that somebody else gave.
const SECRET_FIX: &str = "Set the variable, or point { file = \"PATH\" } at the value";

/// One section of the configuration.
pub(super) struct Reader<'a> {
    document: &'a Document,
    table: Option<&'a Table>,
    path: String,
    notes: std::rc::Rc<Notes>,
    asked: RefCell<BTreeSet<String>>,
}

#[derive(Default)]
struct Notes {
    problems: RefCell<Vec<Problem>>,
    shown: RefCell<Vec<Shown>>,
    secrets: RefCell<SecretDigests>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            table: Some(&document.root),
            path: String::new(),
            notes: std::rc::Rc::default(),
            asked: RefCell::default(),
        }
    }

    /// Everything that was found.
    pub(super) fn finish(self) -> (Vec<Shown>, SecretDigests, Problems) {
        self.refuse_unknown();
        (self.notes.shown.take(), self.notes.secrets.take(), Problems(self.notes.problems.take()))
    }

    /// The mistakes in what was read, without regard to what was not.
    pub(super) fn problems(self) -> Problems {
        Problems(self.notes.problems.take())
    }

    /// A subsection of which only a part is read, empty if it is not there.
    pub(super) fn part<T>(&self, key: &str, read: impl FnOnce(&Reader<'a>) -> T) -> T {
        let table = self.get(key).and_then(Value::as_table);
        read(&self.child(self.key(key), table))
    }

    /// A subsection, empty if it is not there.
    pub(super) fn section<T>(&self, key: &str, read: impl FnOnce(&Reader<'a>) -> T) -> T {
        let table = match self.get(key) {
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                self.problem(key, other, "it must be a section", "Write it as a table");
                None
            }
            None => None,
        };
        let section = self.child(self.key(key), table);
        let result = read(&section);
        section.refuse_unknown();
        result
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether a key is missing, or an empty text, which counts as missing.
    pub(super) fn is_blank(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.get(key));
        value.is_none_or(|value| value.as_str() == Some(""))
    }

    /// A text that another getter reads and checks.
    pub(super) fn peek(&self, key: &str) -> String {
        let text = self.table.and_then(|table| table.get(key)).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }

    /// The sections of an array of tables.
    pub(super) fn sections<T>(&self, key: &str, read: impl Fn(&Reader<'a>) -> T) -> Vec<T> {
        let items: &[Value] = match self.get(key) {
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(
                    key,
                    other,
                    "it must be sections in double brackets",
                    "Write it as [[section]]",
                );
                &[]
            }
            None => &[],
        };
        let mut sections = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let path = format!("{}[{position}]", self.key(key));
            let Some(table) = item.as_table() else {
                self.file(path, hide::shown(item), "it must be a table", "Write { … }");
                continue;
            };
            let section = self.child(path, Some(table));
            sections.push(read(&section));
            section.refuse_unknown();
        }
        sections
    }

    /// A text, or the default.
    pub(super) fn text(&self, key: &str, default: &str) -> String {
        let value = self.get(key);
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                self.problem(key, other, "it must be text in quotes", "Put it in quotes");
                default.to_owned()
            }
            None => default.to_owned(),
        };
        self.show(key, hide::shown(&Value::String(text.clone())));
        text
    }

    /// A text that `parse` understands, or `default`. The error tells the fix.
    pub(super) fn parsed<T, E: Display>(
        &self,
        key: &str,
        default: &str,
        fix: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key, default);
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(key, &Value::String(text), &error.to_string(), fix);
                None
            }
        }
    }

    /// A text that may also stand in the environment or in a file, `{ env = "NAME" }`, but is no
    /// secret.
    pub(super) fn resolved_text(&self, key: &str) -> String {
        let Some(Value::Table(reference)) = self.get(key) else {
            return self.text(key, "");
        };
        match self.resolve(reference) {
            Ok(found) => {
                self.show(key, hide::shown(&Value::String(found.reveal().to_owned())));
                found.reveal().to_owned()
            }
            Err((reason, name)) => {
                self.file(self.key(key), name, &reason, "Set it, or write the value here");
                String::new()
            }
        }
    }

    /// A whole number within bounds, or the default.
    pub(super) fn integer(
        &self,
        key: &str,
        default: i64,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> i64 {
        let given = match self.get(key) {
            Some(Value::Integer(number)) => Some(*number),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
            None => Some(default),
        };
        let number = given.filter(|number| bounds.contains(number));
        if let (None, Some(value)) = (number, self.get(key)) {
            let fix = format!("Choose a number from {} to {}", bounds.start(), bounds.end());
            self.problem(key, value, "it is not a whole number in range", &fix);
        }
        let number = number.unwrap_or(default);
        self.show(key, number.to_string());
        number
    }

    /// A yes or no, or the default.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let flag = match self.get(key) {
            Some(Value::Boolean(flag)) => Some(*flag),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
            None => Some(default),
        };
        if let (None, Some(value)) = (flag, self.get(key)) {
            self.problem(key, value, "it must be true or false", "Write true or false");
        }
        let flag = flag.unwrap_or(default);
        self.show(key, flag.to_string());
        flag
    }

    /// A list of texts, or the default. An override from the environment separates them by commas.
    pub(super) fn list(&self, key: &str, default: &[&str]) -> Vec<String> {
        let list = match self.get(key) {
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            Some(Value::String(text)) if self.is_overridden(key) => Some(
                text.split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|s| !s.is_empty())
                    .collect(),
            ),
            Some(_) => None,
            None => Some(default.iter().map(ToString::to_string).collect()),
        };
        if let (None, Some(value)) = (&list, self.get(key)) {
            self.problem(key, value, "it must be a list of texts", "Write [\"…\", \"…\"]");
        }
        let list: Vec<String> = list.unwrap_or_default();
        let shown = Value::Array(list.iter().cloned().map(Value::String).collect());
        self.show(key, hide::shown(&shown));
        list
    }

    /// A secret: a text, `{ env = "NAME" }` or `{ file = "PATH" }`. It is looked up only if
    /// `needed`, so that a role can start without the other role's secrets.
    pub(super) fn secret(&self, key: &str, needed: bool) -> Option<Redacted> {
        self.secret_or(key, needed, SECRET_FIX)
    }

    /// A secret as in [`Reader::secret`] that is nobody's but ours, so that we can make one.
    pub(super) fn own_key(&self, key: &str, needed: bool) -> Option<Redacted> {
        self.secret_or(key, needed, "Set it to the output of `wicketgate secret generate`")
    }

    fn secret_or(&self, key: &str, needed: bool, fix: &str) -> Option<Redacted> {
        let value = self.get(key)?;
        self.show(key, "***".to_owned());
        let resolved = match value {
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => Ok(Redacted::new(text.clone())),
            Value::Table(reference) if needed => self.resolve(reference),
            Value::Table(reference) => Self::check_reference(reference).map(|_| Redacted::new("")),
            _ => Err((
                "it must be text in quotes, { env = … } or { file = … }".into(),
                String::new(),
            )),
        };
        match resolved {
            Ok(secret) if needed => {
                let digest = sha256(secret.reveal().as_bytes());
                self.notes.secrets.borrow_mut().push((self.key(key), digest));
                Some(secret)
            }
            Ok(_) => None,
            Err((reason, name)) => {
                self.file(self.key(key), name, &reason, fix);
                None
            }
        }
    }

    /// Files a mistake about a key of this section.
    pub(super) fn problem(&self, key: &str, value: &Value, reason: &str, fix: &str) {
        self.file(self.key(key), hide::shown(value), reason, fix);
    }

    /// Files a mistake about a key that is not there.
    pub(super) fn missing(&self, key: &str, reason: &str, fix: &str) {
        self.file(self.key(key), String::new(), reason, fix);
    }

    fn resolve(&self, reference: &Table) -> Result<Redacted, (String, String)> {
        let (kind, name) = Self::check_reference(reference)?;
        let found = match kind {
            "env" => self
                .document
                .source
                .environment
                .get(name)
                .cloned()
                .ok_or_else(|| format!("the environment variable {name} is not set")),
            _ => std::fs::read_to_string(self.document.source.directory.join(Path::new(name)))
                .map_err(|error| format!("the file {name} cannot be read: {error}")),
        };
        match found {
            Ok(text) if !text.trim().is_empty() => Ok(Redacted::new(text.trim())),
            Ok(_) => Err((format!("{kind} {name} is empty"), String::new())),
            Err(reason) => Err((reason, String::new())),
        }
    }

    fn check_reference(reference: &Table) -> Result<(&'static str, &str), (String, String)> {
        let text = |key: &str| reference.get(key).and_then(Value::as_str);
        match (text("env"), text("file"), reference.len()) {
            (Some(name), None, 1) => Ok(("env", name)),
            (None, Some(name), 1) => Ok(("file", name)),
            _ => {
                Err(("it must be { env = \"NAME\" } or { file = \"PATH\" }".into(), String::new()))
            }
        }
    }

    fn refuse_unknown(&self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for (key, value) in table {
            if !asked.contains(key) {
                let near = asked.iter().find(|known| is_near(known, key));
                let fix = near.map_or_else(
                    || "Remove it; `wicketgate config reference` lists every key".to_owned(),
                    |known| format!("Did you mean {known}?"),
                );
                // The value could be a secret under a misspelt name.
                let shown = if value.is_table() { "{ … }" } else { "…" };
                self.file(self.key(key), shown.to_owned(), "there is no such key", &fix);
            }
        }
    }

    fn child(&self, path: String, table: Option<&'a Table>) -> Self {
        Self {
            document: self.document,
            table,
            path,
            notes: std::rc::Rc::clone(&self.notes),
            asked: RefCell::default(),
        }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table?.get(key)
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn is_overridden(&self, key: &str) -> bool {
        self.document.overridden.contains_key(&self.key(key))
    }

    fn show(&self, key: &str, value: String) {
        let key = self.key(key);
        let here = self
            .table
            .is_some_and(|table| table.contains_key(key.rsplit('.').next().unwrap_or_default()));
        let origin = match self.document.overridden.get(&key) {
            Some(variable) => Origin::Environment(variable.clone()),
            None if here => Origin::File,
            None => Origin::Default,
        };
        let (key, value) = (hide::visibly(key), hide::visibly(value));
        self.notes.shown.borrow_mut().push(Shown { key, value, origin });
    }

    fn file(&self, key: String, value: String, reason: &str, fix: &str) {
        let problem = Problem {
            key: hide::visibly(key),
            value: hide::visibly(value),
            reason: hide::visibly(reason.to_owned()),
            fix: fix.to_owned(),
        };
        self.notes.problems.borrow_mut().push(problem);
    }
}

/// Whether two key names differ in so little that one is a slip of the other.
fn is_near(known: &str, given: &str) -> bool {
    let plain = |text: &str| text.replace(['_', '-'], "").to_ascii_lowercase();
    let (known, given) = (plain(known), plain(given));
    known == given
        || known.strip_suffix('s') == Some(&given)
        || given.strip_suffix('s') == Some(&known)
        || (known.len() > 4 && given.starts_with(&known))
        || (given.len() > 4 && known.starts_with(&given))
}
