//! Modern answers as a legacy client of one revision can read them (D-12, D-59). Everything is
//! spliced: what is not named here keeps its bytes.

mod content;
mod error;
mod names;
mod tools;

use serde_json::value::RawValue;
use upstream::connection::{ConnectionError, Outcome, ServerMessage};
use upstream::wire::json::{Members, NoObject, Object};

use super::asker::Original;
use super::local;
use super::revision::Revision;
use super::status;
use crate::passthrough::front::ClientMessage;

pub(super) use error::UNSUPPORTED_VERSION;
pub(super) use names::info;

/// A whole answer, under the client's id.
pub(super) fn answer(
    revision: Revision,
    original: &Original,
    heard: &ServerMessage,
) -> Result<ClientMessage, ConnectionError> {
    match heard.outcome()? {
        Outcome::Result(value) => {
            let shaped =
                result(revision, &original.method, value).map_err(|_| ConnectionError::Garbled)?;
            Ok(local::result(original.id(), &shaped))
        }
        Outcome::Error(value) => {
            let shaped =
                error::shaped(&original.method, value).map_err(|_| ConnectionError::Garbled)?;
            let mut message = Object::with_capacity(shaped.len() + 64);
            message.member("jsonrpc", "\"2.0\"");
            message.member("id", original.id().unwrap_or("null")).member("error", &shaped);
            Ok(ClientMessage::answer(message.finish(), status::ANSWER))
        }
    }
}

/// A result that is no message yet.
pub(super) fn result_text(
    revision: Revision,
    method: &str,
    text: &[u8],
) -> Result<String, NoObject> {
    result(revision, method, serde_json::from_slice(text).map_err(|_| NoObject)?)
}

fn result(revision: Revision, method: &str, value: &RawValue) -> Result<String, NoObject> {
    let members = Members::read(value.get())?;
    let instead = (method == "tools/call").then(|| tools::fallback(revision, &members)).flatten();
    let mut object = Object::with_capacity(value.get().len());
    for (name, value) in members.iter() {
        let changed = match (method, name) {
            (_, "resultType" | "ttlMs" | "cacheScope") => None,
            (_, "_meta") => meta(value),
            ("tools/call", "content") if instead.is_some() => None,
            ("tools/list", "tools") => Some(each(value, |tool| tools::tool(revision, tool))),
            ("tools/call", "content") => Some(each(value, |one| content::block(revision, one))),
            ("tools/call", "structuredContent") => {
                tools::takes_structured(revision, value).then(|| value.get().to_owned())
            }
            ("prompts/get", "messages") => Some(each(value, |one| content::message(revision, one))),
            ("prompts/list", "prompts") => Some(each(value, |one| names::prompt(revision, one))),
            ("resources/list", "resources") | ("resources/templates/list", "resourceTemplates") => {
                Some(each(value, |one| names::plain(revision, one)))
            }
            _ => Some(value.get().to_owned()),
        };
        if let Some(changed) = changed {
            object.member(name, &changed);
        }
    }
    if let Some(content) = instead {
        object.member("content", &content);
    }
    Ok(object.finish())
}

/// `_meta` without what only modern clients read; `None` if nothing is left.
fn meta(value: &RawValue) -> Option<String> {
    let modern = ["io.modelcontextprotocol/serverInfo", "io.modelcontextprotocol/subscriptionId"];
    let members = Members::read(value.get()).ok()?;
    let keep = |name: &str| !modern.contains(&name);
    members.iter().any(|(name, _)| keep(name)).then(|| {
        let mut object = Object::with_capacity(value.get().len());
        object.members(&members, keep);
        object.finish()
    })
}

/// Each object of an array, changed; whatever else is among them stays.
fn each(value: &RawValue, change: impl Fn(&Members<'_>) -> String) -> String {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
        return value.get().to_owned();
    };
    let mut text = String::with_capacity(value.get().len());
    text.push('[');
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        match Members::read(item.get()) {
            Ok(members) => text.push_str(&change(&members)),
            Err(NoObject) => text.push_str(item.get()),
        }
    }
    text.push(']');
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-59: what only modern clients read goes, everything else keeps its bytes.
    #[test]
    fn d_59_only_modern_members_go() {
        let text =
            br#"{"resultType":"complete","x":1.0,"_meta":{"io.modelcontextprotocol/serverInfo":{},
            "a/b":12345678901234567890123},"ttlMs":5,"cacheScope":"public"}"#;
        assert_eq!(
            result_text(Revision::November2025, "completion/complete", text).unwrap(),
            r#"{"x":1.0,"_meta":{"a/b":12345678901234567890123}}"#
        );
        assert!(result_text(Revision::November2025, "tools/call", b"[]").is_err());
    }
}
