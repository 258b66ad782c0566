//! Exchanges the ids of tasks inside messages, where they stand.

use std::sync::Arc;

use memchr::memmem;
use protocol::jsonrpc::member::{PARAMS, RESULT};
use protocol::mcp::{META_RELATED_TASK, member, result_type};
use protocol::splice::{Members, Splice};
use serde_json::value::RawValue;
use upstream::wire::json::quoted;

/// Where a message names a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a result that says: this call goes on as a task.
    Begun,
    /// In a result about a task, in `_meta`, in a notification, in the terms of a subscription.
    Elsewhere,
}

/// The message cannot be changed, so it must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unchangeable;

/// Whether a text could name a task at all. Looking for bytes is far cheaper than reading.
pub(crate) fn could_name(text: &[u8]) -> bool {
    memmem::find(text, member::TASK.as_bytes()).is_some() || memmem::find(text, b"\\u").is_some()
}

/// The message with other ids. `other` says which id stands for one, or `None` to let it stand;
/// `None` comes back if nothing changes.
pub(crate) fn exchanged(
    message: &[u8],
    other: impl Fn(Place, &str) -> Option<Arc<str>>,
) -> Result<Option<String>, Unchangeable> {
    if !could_name(message) {
        return Ok(None);
    }
    let text = std::str::from_utf8(message).map_err(|_| Unchangeable)?;
    let mut splice = Splice::of(text);
    for (place, id) in ids(text) {
        let Ok(name) = serde_json::from_str::<String>(id.get()) else {
            continue;
        };
        if let Some(other) = other(place, &name) {
            splice.replace(id, serde_json::Value::from(&*other).to_string());
        }
    }
    if splice.is_empty() {
        return Ok(None);
    }
    splice.finish().map(Some).ok_or(Unchangeable)
}

/// Every id of a task that the message names, as it is written there. Members that appear twice
/// count as absent: what one reader takes for an id that was exchanged and another does not is
/// then an id that opens nothing.
fn ids(text: &str) -> Vec<(Place, &RawValue)> {
    let Ok(message) = serde_json::from_str::<&RawValue>(text) else {
        return Vec::new();
    };
    let Some(message) = Members::of(message) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(result) = message.get(RESULT).and_then(Members::of) {
        in_result(&result, &mut found);
    }
    if let Some(params) = message.get(PARAMS).and_then(Members::of) {
        in_params(&params, &mut found);
    }
    found
}

/// MCP 2025-11-25 wraps a new task in `task`; the extension of 2026-07-28 puts its members into a
/// result of the type `task`. Both put them into the result where they say how a task is.
fn in_result<'t>(result: &Members<'t>, found: &mut Vec<(Place, &'t RawValue)>) {
    let begun =
        result.get(member::RESULT_TYPE).is_some_and(|kind| kind.get() == quoted(result_type::TASK));
    let place = if begun { Place::Begun } else { Place::Elsewhere };
    found.extend(result.get(member::TASK_ID).map(|id| (place, id)));
    let task = result.get(member::TASK).and_then(Members::of);
    found.extend(task.and_then(|task| task.get(member::TASK_ID)).map(|id| (Place::Begun, id)));
    found.extend(related(result).map(|id| (Place::Elsewhere, id)));
}

/// News of a task, anything that belongs to one, and what a subscription was granted.
fn in_params<'t>(params: &Members<'t>, found: &mut Vec<(Place, &'t RawValue)>) {
    found.extend(params.get(member::TASK_ID).map(|id| (Place::Elsewhere, id)));
    found.extend(related(params).map(|id| (Place::Elsewhere, id)));
    let granted = params.get(member::NOTIFICATIONS).map(subscribed).unwrap_or_default();
    found.extend(granted.into_iter().map(|id| (Place::Elsewhere, id)));
}

/// MCP 2025-11-25: whatever belongs to a task says so in `_meta`.
fn related<'t>(part: &Members<'t>) -> Option<&'t RawValue> {
    let meta = Members::of(part.get(member::META)?)?;
    Members::of(meta.get(META_RELATED_TASK)?)?.get(member::TASK_ID)
}

/// The tasks that a subscription names.
pub(crate) fn subscribed(notifications: &RawValue) -> Vec<&RawValue> {
    let ids = Members::of(notifications).and_then(|wanted| wanted.get(member::TASK_IDS));
    ids.and_then(|ids| serde_json::from_str(ids.get()).ok()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn mine(place: Place, id: &str) -> Option<Arc<str>> {
        (id == "t1").then(|| format!("{place:?}").into())
    }

    fn after(message: &str) -> Option<String> {
        exchanged(message.as_bytes(), mine).unwrap()
    }

    #[test]
    fn ids_change_where_they_stand() {
        for (before, expected) in [
            (
                r#"{"id":1, "result":{"task":{"ttl":1.0,"taskId":"t1"},"n":12345678901234567890}}"#,
                r#"{"id":1, "result":{"task":{"ttl":1.0,"taskId":"Begun"},"n":12345678901234567890}}"#,
            ),
            (
                r#"{"result":{"resultType":"task","taskId": "t\u0031" }}"#,
                r#"{"result":{"resultType":"task","taskId": "Begun" }}"#,
            ),
            (
                r#"{"result":{"_meta":{"io.modelcontextprotocol\/related-task":{"taskId":"t1"}}}}"#,
                r#"{"result":{"_meta":{"io.modelcontextprotocol\/related-task":{"taskId":"Elsewhere"}}}}"#,
            ),
            (
                r#"{"method":"notifications/tasks/status","params":{"taskId":"t1","status":"x"}}"#,
                r#"{"method":"notifications/tasks/status","params":{"taskId":"Elsewhere","status":"x"}}"#,
            ),
            (
                r#"{"params":{"notifications":{"taskIds":["t0","t1"]}}}"#,
                r#"{"params":{"notifications":{"taskIds":["t0","Elsewhere"]}}}"#,
            ),
        ] {
            assert_eq!(after(before).as_deref(), Some(expected));
        }
    }

    #[test]
    fn everything_else_stands() {
        for message in [
            r#"{"result":{"content":[{"text":"taskId t1"}],"structuredContent":{"taskId":"t1"}}}"#,
            r#"{"result":{"taskId":"t2"}}"#,
            r#"{"result":{"taskId":7,"task":"t1"}}"#,
            r#"{"result":{"taskId":"t1","taskId":"t1"}}"#,
            r#"{"taskId":"t1"}"#,
            "[]",
            "no task",
        ] {
            assert_eq!(after(message), None, "{message}");
        }
    }
}
