//! Changes single values inside a JSON text and leaves every other byte as it was.
//!
//! A text that is read into a tree and written again loses big numbers, the order of members and
//! white space. Here values are found by reading, and exchanged where they stand.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Changes to one text, carried out together.
#[derive(Debug)]
pub struct Splice<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
    lost: bool,
}

/// The members of an object in their order, their values as they were written.
#[derive(Debug)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Splice<'a> {
    /// No change yet.
    pub fn of(text: &'a str) -> Self {
        Self { text, edits: Vec::new(), lost: false }
    }

    /// Puts `with` in the place of a value that was read, without copying, from this text.
    pub fn replace(&mut self, value: &RawValue, with: String) {
        match place_of(self.text, value.get()) {
            Some(place) => self.edits.push((place, with)),
            None => self.lost = true,
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && !self.lost
    }

    /// The changed text; `None` if a value was not from this text or two of them overlap, so
    /// that a change that was asked for is never silently left out.
    pub fn finish(mut self) -> Option<String> {
        self.edits.sort_by_key(|(place, _)| place.start);
        let added: usize = self.edits.iter().map(|(_, with)| with.len()).sum();
        let mut changed = String::with_capacity(self.text.len() + added);
        let mut copied = 0;
        for (place, with) in &self.edits {
            changed.push_str(self.text.get(copied..place.start)?);
            changed.push_str(with);
            copied = place.end;
        }
        changed.push_str(self.text.get(copied..)?);
        (!self.lost).then_some(changed)
    }
}

/// Where `part` stands in `text`, if it was borrowed from there.
fn place_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let place = start..start.checked_add(part.len())?;
    (text.get(place.clone()) == Some(part)).then_some(place)
}

impl<'a> Members<'a> {
    /// The members of `object`; `None` if it is no object.
    pub fn of(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }

    /// The value of a member. A member that appears twice has none, since readers differ on which
    /// of the two counts.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// The object without one of its members.
    pub fn without(&self, name: &str) -> String {
        let kept = self.0.iter().filter(|(known, _)| known != name);
        let kept: Vec<String> = kept
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(&**name)))
            .collect();
        format!("{{{}}}", kept.join(","))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((Cow::Owned(name), value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_changes() {
        let text = r#"{"b": 1.0, "a":"x" ,"big":12345678901234567890123,"a2":[ "x" ]}"#;
        let members: Members<'_> = serde_json::from_str(text).unwrap();
        let mut splice = Splice::of(text);
        assert!(splice.is_empty());
        splice.replace(members.get("a2").unwrap(), "7".to_owned());
        splice.replace(members.get("a").unwrap(), r#""longer""#.to_owned());
        assert_eq!(
            splice.finish().unwrap(),
            r#"{"b": 1.0, "a":"longer" ,"big":12345678901234567890123,"a2":7}"#
        );
    }

    #[test]
    fn a_value_from_elsewhere_is_an_error() {
        let other: Box<RawValue> = serde_json::from_str("1").unwrap();
        let mut splice = Splice::of("[1]");
        splice.replace(&other, "2".to_owned());
        assert!(!splice.is_empty());
        assert_eq!(splice.finish(), None);
    }

    #[test]
    fn members_twice_are_none() {
        let object: &RawValue = serde_json::from_str(r#"{"a":1,"\u0061":2,"b":3.0}"#).unwrap();
        let members = Members::of(object).unwrap();
        assert!(members.get("a").is_none());
        assert_eq!(members.get("b").unwrap().get(), "3.0");
        assert_eq!(members.without("a"), r#"{"b":3.0}"#);
    }
}
