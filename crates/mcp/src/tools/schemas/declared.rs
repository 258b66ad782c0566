//! Reads the marks in one `inputSchema`, in one pass and without a tree.

use std::fmt;

use http::HeaderName;
use protocol::mcp::{PARAM_HEADER_MARK, PARAM_HEADER_PREFIX};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::tools::schemas::{Known, none};

/// One argument that has a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParamHeader {
    /// `mcp-param-…`.
    pub(crate) name: HeaderName,
    /// Where the argument is: the keys of objects, from the outside in.
    pub(crate) path: Box<[Box<str>]>,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The types of arguments that may have a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    String,
    Boolean,
}

impl ParamHeader {
    /// How many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let path = self.path.iter().map(|key| size_of_val(key) + key.len());
        size_of::<Self>() + self.name.as_str().len() + path.sum::<usize>()
    }
}

/// How many arguments of one tool may have a header.
const MAX_HEADERS: usize = 64;
/// Longer names would not be sent by anybody.
const MAX_NAME: usize = 256;
/// How long the keys that lead to an argument may be in sum. Each mark keeps all of them.
const MAX_PATH: usize = 4096;

/// The arguments that a schema marks (C-15).
pub(super) fn declared(schema: &RawValue) -> Known {
    // Almost no schema has a mark, and looking for bytes is far cheaper than reading.
    let text = schema.get();
    if !text.contains(PARAM_HEADER_MARK) && !text.contains("\\u") {
        return none();
    }
    let mut found = Found::default();
    let walk = Walk { found: &mut found, path: &mut Vec::new(), reachable: true };
    let read = walk.deserialize(&mut serde_json::Deserializer::from_str(text));
    if read.is_err() || found.broken {
        return Known::Unusable;
    }
    Known::Headers(found.headers.into())
}

/// What a walk through a schema found.
#[derive(Default)]
struct Found {
    headers: Vec<ParamHeader>,
    broken: bool,
}

impl Found {
    /// C-15: a header's name is a token, there is one argument for it, and the argument has one of
    /// three types. `number` is none of them, since fractions have many spellings.
    fn add(&mut self, name: &str, path: &[Box<str>], kind: Option<Kind>) {
        let full = [PARAM_HEADER_PREFIX, name].concat();
        let path_length: usize = path.iter().map(|key| key.len()).sum();
        let usable = !name.is_empty() && name.len() <= MAX_NAME && !path.is_empty();
        let usable = usable && path_length <= MAX_PATH;
        let named = HeaderName::from_bytes(full.as_bytes()).ok().filter(|_| usable);
        let (Some(name), Some(kind)) = (named, kind) else {
            self.broken = true;
            return;
        };
        // Names of headers are compared without letter case, and here they are lower case.
        if self.headers.len() == MAX_HEADERS || self.headers.iter().any(|h| h.name == name) {
            self.broken = true;
            return;
        }
        self.headers.push(ParamHeader { name, path: path.into(), kind });
    }
}

/// Walks one schema, or anything inside one.
struct Walk<'w> {
    found: &'w mut Found,
    path: &'w mut Vec<Box<str>>,
    /// Whether only `properties` led here, so that one argument of the call is meant.
    reachable: bool,
}

impl Walk<'_> {
    fn mark(&mut self, mark: &RawValue, kind: Option<Kind>) {
        match serde_json::from_str::<String>(mark.get()) {
            Ok(name) if self.reachable => self.found.add(&name, self.path, kind),
            // Under `items`, `anyOf`, `$defs` and the like a mark has no one argument to mean.
            Ok(_) => self.found.broken = true,
            Err(_) if self.reachable => self.found.broken = true,
            // Somebody's property with this name.
            Err(_) => {}
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut mark, mut kind) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                PARAM_HEADER_MARK => mark = Some(map.next_value::<&RawValue>()?),
                "type" => kind = kind_of(map.next_value::<&RawValue>()?),
                "properties" if self.reachable => {
                    let (found, path) = (&mut *self.found, &mut *self.path);
                    map.next_value_seed(Properties { found, path })?;
                }
                // Examples of arguments, not schemas.
                "default" | "const" | "enum" | "examples" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => map.next_value_seed(self.below())?,
            }
        }
        if let Some(mark) = mark {
            self.mark(mark, kind);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl Walk<'_> {
    fn below(&mut self) -> Walk<'_> {
        Walk { found: self.found, path: self.path, reachable: false }
    }
}

/// The schemas of an object's members.
struct Properties<'w> {
    found: &'w mut Found,
    path: &'w mut Vec<Box<str>>,
}

impl<'de> DeserializeSeed<'de> for Properties<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Properties<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.path.push(key.into_boxed_str());
            map.next_value_seed(Walk { found: self.found, path: self.path, reachable: true })?;
            self.path.pop();
        }
        Ok(())
    }
}

fn kind_of(value: &RawValue) -> Option<Kind> {
    match value.get() {
        r#""integer""# => Some(Kind::Integer),
        r#""string""# => Some(Kind::String),
        r#""boolean""# => Some(Kind::Boolean),
        _ => None,
    }
}
