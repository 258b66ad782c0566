//! Members of a description that is not quite as it should be.
//!
//! A boolean in quotes, a `null` or an empty URL says nothing of what a sign-in needs. Such a
//! member is left out, as if it had not come, and named: the provider works without it.

use serde::Deserialize;
use serde_json::Value;

/// What a description has under one name.
#[derive(Default, Deserialize)]
#[serde(from = "Value")]
pub(super) enum Member {
    #[default]
    Absent,
    Said(Value),
}

impl From<Value> for Member {
    fn from(value: Value) -> Self {
        Self::Said(value)
    }
}

/// Reads members and collects those that were left out.
#[derive(Default)]
pub(super) struct Reading {
    /// Each with what is wrong with it, in a few words.
    pub(super) ignored: Vec<String>,
}

impl Reading {
    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &str, member: Member) -> Option<String> {
        match member {
            Member::Said(Value::String(text)) if !text.is_empty() => Some(text),
            other => self.ignore(name, &other, "not text"),
        }
    }

    /// A boolean; what is none says no.
    pub(super) fn flag(&mut self, name: &str, member: Member) -> bool {
        match member {
            Member::Said(Value::Bool(flag)) => flag,
            other => self.ignore(name, &other, "not a boolean").unwrap_or_default(),
        }
    }

    /// A list of texts.
    pub(super) fn list(&mut self, name: &str, member: Member) -> Option<Vec<String>> {
        match member {
            Member::Said(Value::Array(list)) if list.iter().all(Value::is_string) => {
                let text = |one: &Value| one.as_str().map(ToOwned::to_owned);
                Some(list.iter().filter_map(text).collect())
            }
            other => self.ignore(name, &other, "not a list of texts"),
        }
    }

    fn ignore<T>(&mut self, name: &str, member: &Member, otherwise: &str) -> Option<T> {
        let problem = match member {
            Member::Absent => return None,
            Member::Said(Value::Null) => "null",
            Member::Said(Value::String(text)) if text.is_empty() => "empty",
            Member::Said(_) => otherwise,
        };
        self.ignored.push(format!("{name} is {problem}"));
        None
    }
}
