//! What clients and servers can do, in the words of the other generation.

use protocol::mcp::capability;
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

use super::revision::Revision;
use crate::request::session::Facts;

/// What of a client's capabilities is kept: what could be bridged, and nothing else.
pub(super) fn reduced(capabilities: Option<&RawValue>) -> String {
    let known: [(&str, &[&str]); 3] = [
        (capability::ELICITATION, &[capability::FORM, capability::URL]),
        (capability::SAMPLING, &[capability::TOOLS, capability::CONTEXT]),
        (capability::ROOTS, &[]),
    ];
    picked(capabilities, &known)
}

/// What a session's client can be asked, as a modern server is told (D-52): forms since
/// 2025-06-18, URLs and tools in sampling since 2025-11-25. Extensions such as tasks are not
/// bridged and so not declared (D-61).
pub(super) fn declared(facts: &Facts, revision: Revision) -> String {
    let mut object = Object::with_capacity(64);
    let Ok(members) = Members::read(&facts.capabilities) else { return object.finish() };
    let latest = revision >= Revision::November2025;
    if let Some(elicitation) =
        members.get(capability::ELICITATION).filter(|_| revision >= Revision::June2025)
    {
        let has = |mode| Members::read(elicitation.get()).is_ok_and(|m| m.get(mode).is_some());
        let mut modes = Object::with_capacity(32);
        let url = latest && has(capability::URL);
        // An empty object meant forms before there was anything else.
        let form = has(capability::FORM) || !has(capability::URL);
        if form {
            modes.member(capability::FORM, "{}");
        }
        if url {
            modes.member(capability::URL, "{}");
        }
        if form || url {
            object.member(capability::ELICITATION, &modes.finish());
        }
    }
    if let Some(sampling) = members.get(capability::SAMPLING) {
        object.member(capability::SAMPLING, if latest { sampling.get() } else { "{}" });
    }
    if members.get(capability::ROOTS).is_some() {
        object.member(capability::ROOTS, "{}");
    }
    object.finish()
}

/// What a modern server can do, as a legacy client is told (D-50). Extensions are left out, and
/// so is `completions` where it was not known yet.
pub(super) fn offered(capabilities: Option<&RawValue>, revision: Revision) -> String {
    let known: [(&str, &[&str]); 5] = [
        (capability::TOOLS, &[capability::LIST_CHANGED]),
        (capability::RESOURCES, &[capability::SUBSCRIBE, capability::LIST_CHANGED]),
        (capability::PROMPTS, &[capability::LIST_CHANGED]),
        (capability::LOGGING, &[]),
        (capability::COMPLETIONS, &[]),
    ];
    let known = if revision < Revision::March2025 { &known[..4] } else { &known[..] };
    picked(capabilities, known)
}

/// The members that are known and are objects, each with the members of it that are known.
fn picked(from: Option<&RawValue>, known: &[(&str, &[&str])]) -> String {
    let mut object = Object::with_capacity(64);
    if let Ok(members) = Members::of(from) {
        for (name, inner) in known {
            let value = members.get(name).and_then(|value| Members::read(value.get()).ok());
            if let Some(value) = value {
                let mut kept = Object::with_capacity(32);
                for name in *inner {
                    let flag = value.get(name).map(RawValue::get).map(flag);
                    if let Some(flag) = flag.flatten() {
                        kept.member(name, flag);
                    }
                }
                object.member(name, &kept.finish());
            }
        }
    }
    object.finish()
}

/// A yes or no, or an object, of which nothing more needs to be known.
fn flag(value: &str) -> Option<&'static str> {
    match value {
        "true" => Some("true"),
        "false" => Some("false"),
        _ if value.starts_with('{') => Some("{}"),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn facts(capabilities: &str) -> Facts {
        let raw: &RawValue = serde_json::from_str(capabilities).unwrap();
        Facts {
            capabilities: reduced(Some(raw)),
            client_info: "{}".to_owned(),
            home: String::new(),
            nonce: String::new(),
        }
    }

    /// D-52, D-61: only what can be bridged for the session's revision.
    #[test]
    fn d_52_what_is_declared() {
        let facts = facts(
            r#"{"elicitation":{"form":{},"url":{"x":1}},"sampling":{"tools":{}},"roots":
                {"listChanged":true},"tasks":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
        );
        let declared = |revision| declared(&facts, revision);
        assert_eq!(
            declared(Revision::November2025),
            r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#
        );
        assert_eq!(
            declared(Revision::June2025),
            r#"{"elicitation":{"form":{}},"sampling":{},"roots":{}}"#
        );
        assert_eq!(declared(Revision::March2025), r#"{"sampling":{},"roots":{}}"#);
    }

    #[test]
    fn d_52_an_empty_elicitation_means_forms() {
        let forms = r#"{"elicitation":{"form":{}}}"#;
        assert_eq!(declared(&facts(r#"{"elicitation":{}}"#), Revision::November2025), forms);
        let only_url = facts(r#"{"elicitation":{"url":{}}}"#);
        assert_eq!(declared(&only_url, Revision::June2025), "{}");
    }

    /// D-50: nothing of a modern server's extensions, and nothing that came later.
    #[test]
    fn d_50_what_is_offered() {
        let modern: &RawValue = serde_json::from_str(
            r#"{"tools":{"listChanged":true,"x":1},"resources":{"subscribe":true},"logging":{},
                "completions":{},"extensions":{"a/b":{}},"prompts":7}"#,
        )
        .unwrap();
        assert_eq!(
            offered(Some(modern), Revision::June2025),
            r#"{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{},"completions":{}}"#
        );
        assert!(!offered(Some(modern), Revision::November2024).contains("completions"));
        assert_eq!(offered(None, Revision::June2025), "{}");
    }
}
