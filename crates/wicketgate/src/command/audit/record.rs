//! One record as one line (LG-1, LG-3): for machines and for people. Names and texts come from clients
//! and providers, so whatever could end a line or move a cursor is escaped in both.

use std::fmt::Write as _;

use kernel::Id;
use model::audit::Outcome;
use model::{AuditKind, ClientId};
use serde_json::{Map, Value};
use store::audit::AuditRecord;

/// Characters of one value that a person is shown.
const SHOWN: usize = 200;

/// The fields of a record in the order in which they are documented. One that does not apply is left out.
fn fields(record: &AuditRecord) -> Vec<(&'static str, Value)> {
    let event = &record.event;
    let text = |text: Option<&str>| text.map(Value::from);
    let (detail, reason) = words(event.kind, &event.detail);
    let fields = [
        ("id", Some(record.id.into())),
        ("time", Some(event.at.to_rfc3339().into())),
        ("kind", text(Some(event.kind.as_str()))),
        ("outcome", text(Some(event.kind.outcome().as_str()))),
        ("actor", text(Some(event.actor().as_str()))),
        ("client", text(event.client.as_ref().map(ClientId::as_str))),
        ("person", text(event.subject.as_ref().map(Id::as_str))),
        ("organization", text(event.organization.as_deref())),
        ("resource", text(event.resource.as_deref())),
        ("grant", text(event.grant.as_ref().map(Id::as_str))),
        ("txn", text(event.authorization.as_deref())),
        ("token", text(event.token.as_deref())),
        ("reason", reason),
        ("detail", detail),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Detail and reason. What a sidecar reports is an object with a reason of its own; where something was
/// refused or ended, the words that the event has are the reason.
fn words(kind: AuditKind, detail: &str) -> (Option<Value>, Option<Value>) {
    if detail.is_empty() {
        return (None, None);
    }
    if kind.is_reported()
        && let Ok(Value::Object(mut object)) = serde_json::from_str(detail)
    {
        object.retain(|_, value| !value.is_null());
        let reason = object.remove("reason");
        return (Some(Value::Object(object)), reason);
    }
    let words = Some(Value::from(detail));
    if kind.outcome() == Outcome::Refused || kind == AuditKind::GrantRevoked {
        return (None, words);
    }
    (words, None)
}

/// The record as a JSON object.
pub(super) fn json(record: &AuditRecord) -> String {
    let object: Map<String, Value> =
        fields(record).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // JSON itself allows more in a string than a terminal or a reader of lines can bear. None of it
    // stands outside of strings.
    let text = Value::Object(object).to_string();
    if text.chars().all(is_harmless) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        if is_harmless(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A String takes everything.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
        escaped
    })
}

/// Neither ends a line for anybody, nor steers a terminal or the direction of text.
fn is_harmless(character: char) -> bool {
    let steers = matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !character.is_control() && !steers
}

/// The record for a person: when, what and how it ended in columns, then whatever else there is.
pub(super) fn line(record: &AuditRecord) -> String {
    let event = &record.event;
    let (time, kind) = (event.at.to_rfc3339(), event.kind.as_str());
    let mut line = format!("{time}  {kind:<26}  {:<7}", event.kind.outcome().as_str());
    for (name, value) in fields(record) {
        if matches!(name, "id" | "time" | "kind" | "outcome") {
            continue;
        }
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(name, value)| push(&mut line, name, value));
            }
            value => push(&mut line, name, &value),
        }
    }
    line
}

fn push(line: &mut String, name: &str, value: &Value) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let is_plain = !shown.is_empty()
        && !shown.contains([' ', '"', '\'', '=', '\\'])
        && shown.chars().all(is_harmless);
    let quote = if is_plain { "" } else { "\"" };
    // A String takes everything.
    let _ = write!(line, "  {name}={quote}{}{quote}", shown.escape_debug());
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use model::AuditEvent;

    const HOSTILE: &str = "a\nb\r\u{1b}[31m\u{9b}2J\u{85}\u{2028}\u{202e}\u{7f}\0\"}{\\\t=";

    fn record(kind: AuditKind, detail: &str) -> AuditRecord {
        let event = AuditEvent {
            client: Some(ClientId::from_text(HOSTILE)),
            detail: detail.to_owned(),
            ..AuditEvent::new(kind, Timestamp::from_millis(1_800_000_000_000))
        };
        AuditRecord { id: 7, event }
    }

    /// LG-3, T-LOG-02: whatever a client calls itself, a record is one line and steers nothing.
    #[test]
    fn t_log_02_nothing_ends_a_line_or_steers_a_terminal() {
        let reported = serde_json::json!({ "name": HOSTILE, "reason": HOSTILE }).to_string();
        for record in [
            record(AuditKind::SignInFailed, HOSTILE),
            record(AuditKind::ClientRegistered, HOSTILE),
            record(AuditKind::McpDenied, &reported),
            record(AuditKind::McpDenied, HOSTILE),
            record(AuditKind::ClientRegistered, &"x".repeat(1_000_000)),
        ] {
            let (json, line) = (json(&record), line(&record));
            for text in [&json, &line] {
                let steers = |one: char| one.is_control() || "\u{2028}\u{202e}".contains(one);
                assert!(!text.contains(steers), "{text:?}");
            }
            assert!(line.len() < 2_000, "{}", line.len());
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read["client"], HOSTILE, "nothing is lost");
        }
    }

    #[test]
    fn a_line_says_when_what_and_how() {
        let detail = r#"{"decision":"deny","method":null,"reason":"hidden tool","server":"main"}"#;
        let event = AuditEvent {
            detail: detail.to_owned(),
            ..AuditEvent::new(AuditKind::McpDenied, Timestamp::from_millis(1_800_000_000_000))
        };
        let record = AuditRecord { id: 7, event };
        assert_eq!(
            line(&record),
            "2027-01-15T08:00:00.000Z  mcp.denied                  refused  actor=client  \
             reason=\"hidden tool\"  decision=deny  server=main"
        );
        let json: Value = serde_json::from_str(&json(&record)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "id": 7, "time": "2027-01-15T08:00:00.000Z", "kind": "mcp.denied",
                "outcome": "refused", "actor": "client", "reason": "hidden tool",
                "detail": { "decision": "deny", "server": "main" },
            })
        );
    }

    const PAGE: &str = include_str!("../../../../../docs/audit.md");

    /// LG-1: the documentation has each kind with its outcome and actor, and each field.
    #[test]
    fn every_kind_and_field_is_documented() {
        for kind in AuditKind::ALL {
            let (name, outcome) = (kind.as_str(), kind.outcome().as_str());
            let actor = match kind {
                AuditKind::GrantRevoked => "by the reason",
                _ => kind.actor().as_str(),
            };
            let row = format!("| `{name}` | {outcome} | {actor} | ");
            assert!(PAGE.contains(&row), "docs/audit.md lacks: {row}");
        }
        let kinds = PAGE.lines().filter(|line| {
            line.starts_with("| `")
                && [" done ", " refused "].iter().any(|word| line.contains(word))
        });
        assert_eq!(kinds.filter(|line| line.contains('.')).count(), AuditKind::ALL.len());
        let full = AuditEvent {
            client: Some(ClientId::from_text("a")),
            subject: Some(Id::from_stored("a")),
            grant: Some(Id::from_stored("a")),
            authorization: Some("a".to_owned()),
            token: Some("a".to_owned()),
            resource: Some("a".to_owned()),
            organization: Some("a".to_owned()),
            detail: "a".to_owned(),
            ..AuditEvent::new(AuditKind::GrantRevoked, Timestamp::from_millis(0))
        };
        let mut known: Vec<_> = fields(&AuditRecord { id: 1, event: full }).into_iter().collect();
        known.push(("detail", Value::Null));
        for (field, _) in known {
            assert!(PAGE.contains(&format!("| `{field}` | ")), "docs/audit.md lacks: {field}");
        }
    }
}
