//! Ids that people can read aloud, such as `REQ-1001`, and that cannot be mixed up.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A kind of record that has ids of its own.
pub(crate) trait Kind: 'static {
    /// The letters before the dash.
    const PREFIX: &'static str;
    /// What to call it in a sentence.
    const NOUN: &'static str;
    /// The number of the first one.
    const FIRST: u32;
    /// Where to look for ids that exist.
    const HINT: &'static str;
}

/// The id of a `K`.
pub(crate) struct Id<K> {
    number: u32,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Id<K> {
    /// The id of the record at this position of its table.
    pub(super) fn at(position: usize) -> Self {
        let offset = u32::try_from(position).unwrap_or(u32::MAX);
        Self { number: K::FIRST.saturating_add(offset), kind: PhantomData }
    }

    /// The position in its table, which need not exist.
    pub(super) fn position(self) -> Option<usize> {
        usize::try_from(self.number.checked_sub(K::FIRST)?).ok()
    }

    /// Reads an id in exactly the form in which it is written.
    pub(crate) fn parse(unverified: &str) -> Option<Self> {
        let digits = unverified.strip_prefix(K::PREFIX)?.strip_prefix('-')?;
        let number = digits.parse().ok()?;
        let id = Self { number, kind: PhantomData };
        (id.to_string() == unverified).then_some(id)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", K::PREFIX, self.number)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unverified = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&unverified).ok_or_else(|| {
            de::Error::custom(format!("expected the id of a {}, such as {}", K::NOUN, Self::at(0)))
        })
    }
}

impl<K: Kind> JsonSchema for Id<K> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}_id", K::NOUN).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": format!("^{}-[0-9]+$", K::PREFIX) })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::records::requests::Request;

    type RequestId = super::Id<Request>;

    #[test]
    fn an_id_reads_only_in_the_form_in_which_it_is_written() {
        assert_eq!(RequestId::parse("REQ-1001").unwrap(), RequestId::at(0));
        for wrong in ["REQ-01001", "REQ-+1001", "req-1001", "PRC-1", "REQ-", "REQ-99999999999", ""]
        {
            assert!(RequestId::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_id_below_the_first_has_no_position() {
        assert!(RequestId::parse("REQ-1").unwrap().position().is_none());
    }
}
