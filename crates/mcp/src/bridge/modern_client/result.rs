//! D-33, D-42: a legacy server's result in modern words.

use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::connection::legacy::LegacyPeer;
use upstream::wire::json::{Members, Object};

use super::tasks;

/// Members that say something in the modern revision alone. A legacy server has no say in them.
const MODERN: [&str; 6] =
    ["resultType", "ttlMs", "cacheScope", "inputRequests", "requestState", "_meta"];

/// C-60: the results that say how long they hold.
const CACHEABLE: [&str; 5] =
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"];

/// A complete result of `method`.
pub(super) fn complete(
    method: &str,
    result: &RawValue,
    peer: &LegacyPeer,
) -> Result<String, ConnectionError> {
    let server = server_info(peer);
    translated(method, result.get(), server.as_deref()).ok_or(ConnectionError::Garbled)
}

fn translated(method: &str, result: &str, server: Option<&str>) -> Option<String> {
    let members = Members::read(result).ok()?;
    let mut object = Object::with_capacity(result.len() + 128);
    for (name, value) in members.iter().filter(|(name, _)| !MODERN.contains(name)) {
        if (method, name) == ("tools/list", "tools") {
            object.member(name, &tasks::without_tasks(value)?);
        } else {
            object.member(name, value.get());
        }
    }
    object.member("resultType", "\"complete\"");
    if CACHEABLE.contains(&method) {
        // A legacy list may differ with each session and change without a word.
        object.member("ttlMs", "0").member("cacheScope", "\"private\"");
    }
    let meta = Members::of(members.get("_meta")).ok()?;
    if let Some(meta) = self::meta(&meta, server) {
        object.member("_meta", &meta);
    }
    Some(object.finish())
}

/// `serverInfo` of the handshake, as it came.
pub(super) fn server_info(peer: &LegacyPeer) -> Option<String> {
    let opened = Members::read(peer.opened().get()).ok()?;
    opened.get("serverInfo").map(|info| info.get().to_owned())
}

/// C-32: a result names the server that made it.
pub(super) fn meta(meta: &Members<'_>, server: Option<&str>) -> Option<String> {
    const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    let mut object = Object::with_capacity(128);
    object.members(meta, |name| name != SERVER_INFO);
    if let Some(server) = server {
        object.member(SERVER_INFO, server);
    }
    Some(object.finish()).filter(|meta| meta != "{}")
}

/// A response with this id: `outcome` is `result` or `error`.
pub(super) fn response(id: &str, outcome: &str, value: &str) -> String {
    let mut message = Object::with_capacity(value.len() + id.len() + 48);
    message.member("jsonrpc", "\"2.0\"").member("id", id).member(outcome, value);
    message.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-33, D-42, C-60: hints where they belong, and only ours.
    #[test]
    fn d_33_results_say_that_they_are_complete() {
        let call = translated(
            "tools/call",
            r#"{"content":[ 1e2 ],"resultType":"input_required","requestState":"x"}"#,
            None,
        );
        assert_eq!(call.unwrap(), r#"{"content":[ 1e2 ],"resultType":"complete"}"#);
        let read =
            translated("resources/read", r#"{"contents":[],"cacheScope":"public"}"#, Some("{}"));
        let expected = concat!(
            r#"{"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private","#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#
        );
        assert_eq!(read.unwrap(), expected);
        assert_eq!(translated("tools/call", "[]", None), None);
    }
}
