//! JSON objects taken apart and put together again, value by value, without re-encoding: numbers,
//! order and unknown members survive.

use bytes::{Buf as _, Bytes};
use protocol::splice;
use serde_json::value::RawValue;

/// The members of an object in their order, each value as it was written.
pub struct Members<'a>(splice::Members<'a>);

/// The text is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoObject;

impl<'a> Members<'a> {
    /// Takes an object apart.
    pub fn read(text: &'a str) -> Result<Self, NoObject> {
        serde_json::from_str(text).map(Self).map_err(|_| NoObject)
    }

    /// The same for an object that may be absent: then there are no members.
    pub fn of(value: Option<&'a RawValue>) -> Result<Self, NoObject> {
        value.map_or(Ok(Self(splice::Members(Vec::new()))), |value| Self::read(value.get()))
    }

    /// A member's value. Of a name that stands twice, the last counts, as with most parsers.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// A member that is a string.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// All members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.0.iter().map(|(name, value)| (&**name, *value))
    }
}

/// An object in the making.
pub struct Object(String);

impl Object {
    /// An object with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// Adds a member; `value` is JSON.
    pub fn member(&mut self, name: &str, value: &str) -> &mut Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    /// Adds the members for which `keep` says so.
    pub fn members(&mut self, from: &Members<'_>, keep: impl Fn(&str) -> bool) -> &mut Self {
        for (name, value) in from.iter().filter(|(name, _)| keep(name)) {
            self.member(name, value.get());
        }
        self
    }

    /// The object's text.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A whole number, as some servers write it: `7`, but also `"7"` and `7.0`. Whatever else a value
/// could mean, it is none.
pub fn whole_number(value: &str) -> Option<u64> {
    /// Beyond this a fraction says no more which number it was.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(number) = serde_json::from_str(value) {
        return Some(number);
    }
    if let Ok(text) = serde_json::from_str::<String>(value) {
        return text.parse().ok().filter(|number: &u64| number.to_string() == text);
    }
    let number: f64 = serde_json::from_str(value).ok()?;
    let is_whole = number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
    if is_whole { format!("{number:.0}").parse().ok() } else { None }
}

/// A text without the byte order mark that some servers begin with, although JSON has none
/// (RFC 8259 §8.1: whoever reads may ignore it).
pub fn without_mark(mut text: Bytes) -> Bytes {
    if text.starts_with(BYTE_ORDER_MARK) {
        text.advance(BYTE_ORDER_MARK.len());
    }
    text
}

/// What a text in UTF-8 may begin with.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text as a JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_they_can_mean_only_one() {
        for seven in ["7", " 7 ", "\"7\"", "7.0", "7.000", "0.7e1"] {
            assert_eq!(whole_number(seven), Some(7), "{seven}");
        }
        assert_eq!(whole_number("18446744073709551615"), Some(u64::MAX));
        for odd in [
            "null",
            "7.5",
            "-7",
            "\"-7\"",
            "\"7.0\"",
            "\"07\"",
            "\"+7\"",
            "\" 7\"",
            "\"\"",
            "[7]",
            "1e300",
            "18446744073709551616",
            "18446744073709551615.0",
            "true",
            "7 7",
            "",
        ] {
            assert_eq!(whole_number(odd), None, "{odd}");
        }
    }

    #[test]
    fn one_mark_is_taken_away_at_the_beginning() {
        let without = |text: &'static [u8]| without_mark(Bytes::from_static(text));
        assert_eq!(without(b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(without(b"{}"), "{}");
        assert_eq!(without(b"\xef\xbb"), &b"\xef\xbb"[..]);
        assert_eq!(without(b"\xef\xbb\xbf\xef\xbb\xbf"), &b"\xef\xbb\xbf"[..]);
    }

    #[test]
    fn what_is_kept_keeps_its_bytes() {
        let members =
            Members::read(r#"{"a": 1.0,"b":{"x":12345678901234567890123 },"a":2}"#).unwrap();
        assert_eq!(members.get("a").unwrap().get(), "2");
        let mut object = Object::with_capacity(0);
        object.members(&members, |name| name == "b").member("c\"", "[]");
        assert_eq!(object.finish(), r#"{"b":{"x":12345678901234567890123 },"c\"":[]}"#);
        assert!(Members::read("[1]").is_err());
        assert_eq!(Members::of(None).unwrap().iter().count(), 0);
    }
}
