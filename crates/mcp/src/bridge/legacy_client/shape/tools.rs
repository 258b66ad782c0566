//! Tools and their results.
//!
//! The input schema stays as it is, also where its root is composed (`anyOf` and the like), which
//! some older validators do not take: no rewriting would mean the same.

use protocol::mcp::member;
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

use super::content;
use super::names::knows;
use crate::bridge::legacy_client::revision::Revision;

/// A tool of a list.
pub(super) fn tool(revision: Revision, members: &Members<'_>) -> String {
    let mut object = Object::with_capacity(512);
    for (name, value) in members.iter().filter(|(name, _)| knows(revision, name)) {
        let keep = match name {
            member::ANNOTATIONS => revision >= Revision::March2025,
            member::OUTPUT_SCHEMA => revision >= Revision::June2025 && is_for_objects(value),
            // How a tool runs as a task (D-61).
            member::EXECUTION => false,
            _ => true,
        };
        if keep {
            object.member(name, value.get());
        }
    }
    object.finish()
}

/// Structured content came with 2025-06-18, and until 2025-11-25 it is always an object.
pub(super) fn takes_structured(revision: Revision, value: &RawValue) -> bool {
    revision >= Revision::June2025 && value.get().starts_with('{')
}

/// The content of a result that has none without its structured content.
pub(super) fn fallback(revision: Revision, result: &Members<'_>) -> Option<String> {
    let structured = result.get(member::STRUCTURED_CONTENT)?;
    let empty = result.get(member::CONTENT).is_none_or(|content| {
        serde_json::from_str::<Vec<&RawValue>>(content.get()).is_ok_and(|blocks| blocks.is_empty())
    });
    let lost = empty && !takes_structured(revision, structured);
    lost.then(|| format!("[{}]", content::text(structured.get())))
}

fn is_for_objects(schema: &RawValue) -> bool {
    let members = Members::read(schema.get());
    members.is_ok_and(|members| members.text("type").as_deref() == Some("object"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::bridge::legacy_client::shape::result_text;

    fn call(revision: Revision, text: &str) -> String {
        result_text(revision, "tools/call", text.as_bytes()).unwrap()
    }

    /// D-12: what each revision knows of a tool.
    #[test]
    fn d_12_tools() {
        let text = r#"{"name":"t","title":"T","inputSchema":{"n":1.0},"outputSchema":{"type":"object"},"annotations":{},"icons":[]}"#;
        let members = Members::read(text).unwrap();
        assert_eq!(tool(Revision::November2025, &members), text);
        assert_eq!(
            tool(Revision::March2025, &members),
            r#"{"name":"t","inputSchema":{"n":1.0},"annotations":{}}"#
        );
        assert_eq!(
            tool(Revision::November2024, &members),
            r#"{"name":"t","inputSchema":{"n":1.0}}"#
        );
        let array = r#"{"name":"t","outputSchema":{"type":"array"},"execution":{}}"#;
        let array = tool(Revision::November2025, &Members::read(array).unwrap());
        assert_eq!(array, r#"{"name":"t"}"#);
    }

    /// D-59: structured content only as an object and only where it is known, and never nothing.
    #[test]
    fn d_59_structured_content() {
        let object = r#"{"content":[],"structuredContent":{"a":1.0}}"#;
        assert_eq!(call(Revision::June2025, object), object);
        let array = r#"{"content":[{"type":"text","text":"x"}],"structuredContent":[1.0]}"#;
        assert_eq!(
            call(Revision::November2025, array),
            r#"{"content":[{"type":"text","text":"x"}]}"#
        );
        let lost = call(Revision::March2025, r#"{"content":[],"structuredContent":{"a":1.0}}"#);
        assert_eq!(lost, r#"{"content":[{"type":"text","text":"{\"a\":1.0}"}]}"#);
    }
}
