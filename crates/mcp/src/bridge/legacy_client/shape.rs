//! Modern answers as a legacy client of one revision can read them (D-12, D-59). Everything is
//! spliced: what is not named here keeps its bytes.

mod content;
mod error;
mod names;
mod tools;

use protocol::jsonrpc::member::ERROR;
use protocol::jsonrpc::response;
use protocol::mcp::{META_SERVER_INFO, META_SUBSCRIPTION_ID, member, method};
use serde_json::value::RawValue;
use upstream::connection::{ConnectionError, Outcome, ServerMessage};
use upstream::wire::json::{Members, NoObject, Object};

use super::asker::Original;
use super::local;
use super::revision::Revision;
use super::status;
use crate::passthrough::front::ClientMessage;

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
            let text = response(original.id().unwrap_or("null"), ERROR, &shaped);
            Ok(ClientMessage::answer(text, status::ANSWER))
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
    let instead =
        (method == method::TOOLS_CALL).then(|| tools::fallback(revision, &members)).flatten();
    let mut object = Object::with_capacity(value.get().len());
    for (name, value) in members.iter() {
        let changed = match (method, name) {
            (_, member::RESULT_TYPE | member::TTL_MS | member::CACHE_SCOPE) => None,
            (_, member::META) => meta(value),
            (method::TOOLS_CALL, member::CONTENT) if instead.is_some() => None,
            (method::TOOLS_LIST, member::TOOLS) => {
                Some(each(value, |tool| tools::tool(revision, tool)))
            }
            (method::TOOLS_CALL, member::CONTENT) => {
                Some(each(value, |one| content::block(revision, one)))
            }
            (method::TOOLS_CALL, member::STRUCTURED_CONTENT) => {
                tools::takes_structured(revision, value).then(|| value.get().to_owned())
            }
            (method::PROMPTS_GET, member::MESSAGES) => {
                Some(each(value, |one| content::message(revision, one)))
            }
            (method::PROMPTS_LIST, member::PROMPTS) => {
                Some(each(value, |one| names::prompt(revision, one)))
            }
            (method::RESOURCES_LIST, member::RESOURCES)
            | (method::RESOURCES_TEMPLATES_LIST, member::RESOURCE_TEMPLATES) => {
                Some(each(value, |one| names::plain(revision, one)))
            }
            _ => Some(value.get().to_owned()),
        };
        if let Some(changed) = changed {
            object.member(name, &changed);
        }
    }
    if let Some(content) = instead {
        object.member(member::CONTENT, &content);
    }
    Ok(object.finish())
}

/// `_meta` without what only modern clients read; `None` if nothing is left.
fn meta(value: &RawValue) -> Option<String> {
    let modern = [META_SERVER_INFO, META_SUBSCRIPTION_ID];
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
