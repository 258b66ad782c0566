//! Member names: known, unknown, or too much like a known one.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

/// What a message can have wrong, as sentences for the client's developer.
pub(super) const TWICE: &str = "a member appears twice; send each member once";
pub(super) const LETTER_CASE: &str = "a member has the name of a known one in other letters; \
                                      write names exactly as JSON-RPC and MCP do";
pub(super) const VERSION: &str = "jsonrpc must be the string 2.0";
pub(super) const ID: &str = "id must be a string or an integer of at most 1024 characters";
pub(super) const SHAPE: &str = "the message must be a JSON-RPC 2.0 object with a method, or a \
                                result or error, and params must be an object";

/// Reads one member name against the names in the list: its position, or `None` for a name that
/// nobody judges.
pub(super) struct KeyIn(pub(super) &'static [&'static str]);

/// The same, and after the known ones a name that decides nothing: what is only like it may pass.
pub(super) struct KeyInOr(pub(super) &'static [&'static str], pub(super) &'static str);

/// Remembers which known members were seen, and refuses the second of each.
#[derive(Default)]
pub(super) struct Seen(u16);

impl Seen {
    pub(super) fn once<E: de::Error>(&mut self, position: usize) -> Result<(), E> {
        let bit = 1 << position;
        if self.0 & bit != 0 {
            return Err(E::custom(TWICE));
        }
        self.0 |= bit;
        Ok(())
    }
}

/// The sentence for a serde error. Serde's own texts may repeat input, so they are not used.
pub(super) fn reason_of(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    [TWICE, LETTER_CASE, VERSION, ID]
        .into_iter()
        .find(|reason| text.starts_with(reason))
        .unwrap_or(SHAPE)
}

impl<'de> DeserializeSeed<'de> for KeyIn {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIn {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        if let Some(position) = self.0.iter().position(|known| *known == name) {
            return Ok(Some(position));
        }
        // A parser that ignores letter case, or stops at a NUL, would take this for the real one.
        let deceptive = name.contains('\0') || self.0.iter().any(|known| looks_like(name, known));
        if deceptive { Err(E::custom(LETTER_CASE)) } else { Ok(None) }
    }
}

impl<'de> DeserializeSeed<'de> for KeyInOr {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyInOr {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        if name == self.1 { Ok(Some(self.0.len())) } else { KeyIn(self.0).visit_str(name) }
    }
}

/// Equality without letter case, by Unicode's rules: the long s and the Kelvin sign fold, too.
fn looks_like(name: &str, known: &str) -> bool {
    if name.is_ascii() {
        return name.eq_ignore_ascii_case(known);
    }
    let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.eq(known.chars().flat_map(char::to_lowercase))
}
