//! One message in one pass over its bytes, without copying.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::key::{ID, KeyIn, KeyInOr, SHAPE, Seen, VERSION};
use super::{Message, Params, member};
use crate::mcp::{META_CLIENT_CAPABILITIES, META_PROTOCOL_VERSION, TRACEPARENT};

const MAX_ID_LENGTH: usize = 1024;

/// The members of a message as they were found, each at most once.
#[derive(Default)]
pub(super) struct Draft<'a> {
    two: bool,
    id: Option<&'a RawValue>,
    method: Option<Cow<'a, str>>,
    params: Params<'a>,
    answers: u8,
}

impl<'a> Draft<'a> {
    /// Decides what kind of message this is.
    pub(super) fn finish(self) -> Result<Message<'a>, &'static str> {
        if !self.two {
            return Err(VERSION);
        }
        match (self.method, self.id, self.answers) {
            (Some(method), Some(id), 0) => Ok(Message::Request { id, method, params: self.params }),
            (Some(method), None, 0) => Ok(Message::Notification { method, params: self.params }),
            (None, Some(_), 1) => Ok(Message::Answer),
            _ => Err(SHAPE),
        }
    }
}

/// The id of a message that is refused, where it is readable in spite of everything.
pub(super) fn stray_id(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Only<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let found: Only<'_> = serde_json::from_str(text).ok()?;
    is_id(found.id).then(|| found.id.get().to_owned())
}

/// MCP: a string or an integer, never null. Fractions are refused because parsers round them.
fn is_id(id: &RawValue) -> bool {
    let text = id.get();
    let integer = || text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.len() <= MAX_ID_LENGTH && (text.starts_with('"') || integer())
}

impl<'de> Deserialize<'de> for Draft<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DraftVisitor)
    }
}

struct DraftVisitor;

impl<'de> Visitor<'de> for DraftVisitor {
    type Value = Draft<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        const KNOWN: &[&str] = &member::ENVELOPE;
        let (mut draft, mut seen) = (Draft::default(), Seen::default());
        while let Some(known) = map.next_key_seed(KeyIn(KNOWN))? {
            let Some(position) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            seen.once(position)?;
            match position {
                0 => draft.two = map.next_value_seed(Text)? == "2.0",
                1 => draft.id = Some(map.next_value()?),
                2 => draft.method = Some(map.next_value_seed(Text)?),
                3 => draft.params = map.next_value_seed(ParamsSeed)?,
                _ => {
                    draft.answers += 1;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match draft.id {
            Some(id) if !is_id(id) => Err(de::Error::custom(ID)),
            _ => Ok(draft),
        }
    }
}

/// `params`: an object, or null, which everybody reads as absent.
struct ParamsSeed;

impl<'de> DeserializeSeed<'de> for ParamsSeed {
    type Value = Params<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ParamsSeed {
    type Value = Params<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Params::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        const KNOWN: &[&str] =
            &["name", "uri", "cursor", "_meta", "arguments", "task", "taskId", "notifications"];
        let (mut params, mut seen) = (Params::default(), Seen::default());
        while let Some(known) = map.next_key_seed(KeyIn(KNOWN))? {
            let Some(position) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            seen.once(position)?;
            match position {
                0 => params.name = Some(map.next_value_seed(Text)?),
                1 => params.uri = Some(map.next_value_seed(Text)?),
                2 => params.cursor = map.next_value_seed(Maybe(Text))?,
                3 => {
                    let meta = map.next_value_seed(MetaSeed)?;
                    params.protocol_version = meta.protocol_version;
                    params.client_capabilities = meta.client_capabilities;
                    params.traceparent = meta.traceparent;
                }
                4 => params.arguments = Some(map.next_value()?),
                5 => params.task = Some(map.next_value()?),
                6 => params.task_id = Some(map.next_value()?),
                _ => params.notifications = Some(map.next_value()?),
            }
        }
        Ok(params)
    }
}

/// `_meta`: an object, or null.
struct MetaSeed;

/// What is read of `_meta`.
#[derive(Default)]
struct Meta<'a> {
    protocol_version: Option<Cow<'a, str>>,
    client_capabilities: Option<&'a RawValue>,
    traceparent: Option<Cow<'a, str>>,
}

impl<'de> DeserializeSeed<'de> for MetaSeed {
    type Value = Meta<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MetaSeed {
    type Value = Meta<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Meta::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        const KNOWN: &[&str] = &[META_PROTOCOL_VERSION, META_CLIENT_CAPABILITIES];
        let (mut meta, mut seen) = (Meta::default(), Seen::default());
        while let Some(known) = map.next_key_seed(KeyInOr(KNOWN, TRACEPARENT))? {
            match known {
                Some(0) => {
                    seen.once(0)?;
                    meta.protocol_version = Some(map.next_value_seed(Text)?);
                }
                Some(1) => {
                    seen.once(1)?;
                    meta.client_capabilities = Some(map.next_value()?);
                }
                // It decides nothing, so whatever is wrong with it is the server's to say.
                Some(_) => {
                    let raw: &RawValue = map.next_value()?;
                    meta.traceparent = serde_json::from_str(raw.get()).ok().map(Cow::Borrowed);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(meta)
    }
}

/// A string, borrowed unless it holds escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A string or null.
struct Maybe(Text);

impl<'de> DeserializeSeed<'de> for Maybe {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Maybe {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}
