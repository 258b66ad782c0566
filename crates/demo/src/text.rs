//! Text that a client sends in.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Between one and `MAX` characters, trimmed, without control characters except line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unverified = String::deserialize(deserializer)?;
        let trimmed = unverified.trim();
        let readable = !trimmed.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        if !trimmed.is_empty() && trimmed.chars().count() <= MAX && readable {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(de::Error::custom(format!("expected a text of 1 to {MAX} characters")))
        }
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}
