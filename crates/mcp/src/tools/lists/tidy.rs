//! Tools that are not quite as MCP wants them. Most clients refuse a whole list for one member of
//! another type, so such a member is left out and the tool stays.

use std::borrow::Cow;

use protocol::mcp::member;
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

use crate::tools::lists::output_schema;

/// A tool for a client, and which of its members were left out or replaced.
pub(super) struct Tidied<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) odd: Vec<&'static str>,
}

/// Whether a client can be sure to read a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Of 2026-07-28.
    Modern,
    /// Of an earlier revision: its SDK compiles each output schema, and gives up on the list if it
    /// cannot.
    Legacy,
}

/// What kind of JSON a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Object,
    Array,
    Truth,
}

const MEMBERS: [(&str, Kind); 8] = [
    (member::TITLE, Kind::Text),
    (member::DESCRIPTION, Kind::Text),
    (member::INPUT_SCHEMA, Kind::Object),
    (member::OUTPUT_SCHEMA, Kind::Object),
    (member::ANNOTATIONS, Kind::Object),
    (member::META, Kind::Object),
    (member::EXECUTION, Kind::Object),
    (member::ICONS, Kind::Array),
];

const ANNOTATIONS: [(&str, Kind); 5] = [
    (member::TITLE, Kind::Text),
    (member::READ_ONLY_HINT, Kind::Truth),
    (member::DESTRUCTIVE_HINT, Kind::Truth),
    (member::IDEMPOTENT_HINT, Kind::Truth),
    (member::OPEN_WORLD_HINT, Kind::Truth),
];

/// Any arguments: what a tool takes that does not say what it takes.
const ANYTHING: &str = r#"{"type":"object"}"#;

/// The tool as it came, if every client can read it.
pub(super) fn tidy(text: &str, reader: Reader) -> Tidied<'_> {
    let Ok(tool) = Members::read(text) else {
        return Tidied { text: text.into(), odd: Vec::new() };
    };
    let mut object = Object::with_capacity(text.len());
    let mut odd = Vec::new();
    for (name, value) in tool.iter() {
        match (found(&MEMBERS, name), name) {
            (Some((known, kind)), _) if !kind.is_of(value) => {
                odd.push(known);
                if known == member::INPUT_SCHEMA {
                    object.member(name, ANYTHING);
                }
            }
            (_, member::OUTPUT_SCHEMA)
                if reader == Reader::Legacy && !output_schema::compiles(value) =>
            {
                odd.push(member::OUTPUT_SCHEMA);
            }
            (_, member::ANNOTATIONS) => {
                object.member(name, &annotations(value, &mut odd));
            }
            _ => {
                object.member(name, value.get());
            }
        }
    }
    let text = if odd.is_empty() { text.into() } else { object.finish().into() };
    Tidied { text, odd }
}

fn annotations<'a>(value: &'a RawValue, odd: &mut Vec<&'static str>) -> Cow<'a, str> {
    let Ok(members) = Members::read(value.get()) else { return value.get().into() };
    let mut object = Object::with_capacity(value.get().len());
    let before = odd.len();
    for (name, value) in members.iter() {
        match found(&ANNOTATIONS, name) {
            Some((known, kind)) if !kind.is_of(value) => odd.push(known),
            _ => {
                object.member(name, value.get());
            }
        }
    }
    if odd.len() == before { value.get().into() } else { object.finish().into() }
}

fn found(known: &[(&'static str, Kind)], name: &str) -> Option<(&'static str, Kind)> {
    known.iter().find(|(known, _)| *known == name).copied()
}

impl Kind {
    fn is_of(self, value: &RawValue) -> bool {
        let value = value.get();
        match self {
            Self::Text => value.starts_with('"'),
            Self::Object => value.starts_with('{'),
            Self::Array => value.starts_with('['),
            Self::Truth => matches!(value, "true" | "false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(tool: &str) -> (String, Vec<&'static str>) {
        let Tidied { text, odd } = tidy(tool, Reader::Legacy);
        (text.into_owned(), odd)
    }

    #[test]
    fn a_tool_stays_with_what_can_be_read() {
        for (tool, left, odd) in [
            (r#"{"name":"a","title":null,"x":1.0}"#, r#"{"name":"a","x":1.0}"#, vec!["title"]),
            (r#"{"name":"a","_meta":null}"#, r#"{"name":"a"}"#, vec!["_meta"]),
            (
                r#"{"title":7,"description":{},"name":"a","annotations":[],"icons":{}}"#,
                r#"{"name":"a"}"#,
                vec!["title", "description", "annotations", "icons"],
            ),
            (
                r#"{"name":"a","annotations":{"readOnlyHint":"yes","x":1e2,"title":null}}"#,
                r#"{"name":"a","annotations":{"x":1e2}}"#,
                vec!["readOnlyHint", "title"],
            ),
            (
                r#"{"name":"a","inputSchema":null,"outputSchema":"none"}"#,
                r#"{"name":"a","inputSchema":{"type":"object"}}"#,
                vec!["inputSchema", "outputSchema"],
            ),
        ] {
            assert_eq!(tidied(tool), (left.to_owned(), odd), "{tool}");
        }
    }

    #[test]
    fn what_all_can_read_keeps_its_bytes() {
        let tool = r#"{ "name":"a", "title":"A","annotations": { "readOnlyHint" : true },
            "vendor": null, "n": 1.0, "outputSchema": {"type":"object"} }"#;
        assert!(matches!(tidy(tool, Reader::Legacy).text, Cow::Borrowed(_)));
    }

    #[test]
    fn only_legacy_clients_compile_output_schemas() {
        let tool = r#"{"name":"a","outputSchema":{"pattern":"(?i)x"}}"#;
        assert_eq!(tidied(tool), (r#"{"name":"a"}"#.to_owned(), vec!["outputSchema"]));
        assert!(tidy(tool, Reader::Modern).odd.is_empty());
    }
}
