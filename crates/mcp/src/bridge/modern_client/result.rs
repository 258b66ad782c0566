//! D-33, D-42: a legacy server's result in modern words.

use protocol::mcp::{META_SERVER_INFO, cache_scope, member, method, result_type};
use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::connection::legacy::LegacyPeer;
use upstream::wire::json::{Members, Object, quoted};

use super::tasks;

/// Members that say something in the modern revision alone. A legacy server has no say in them.
const MODERN: [&str; 6] = [
    member::RESULT_TYPE,
    member::TTL_MS,
    member::CACHE_SCOPE,
    member::INPUT_REQUESTS,
    member::REQUEST_STATE,
    member::META,
];

/// C-60: the results that say how long they hold.
const CACHEABLE: [&str; 5] = [
    method::TOOLS_LIST,
    method::PROMPTS_LIST,
    method::RESOURCES_LIST,
    method::RESOURCES_TEMPLATES_LIST,
    method::RESOURCES_READ,
];

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
        if (method, name) == (method::TOOLS_LIST, member::TOOLS) {
            object.member(name, &tasks::without_tasks(value)?);
        } else {
            object.member(name, value.get());
        }
    }
    object.member(member::RESULT_TYPE, &quoted(result_type::COMPLETE));
    if CACHEABLE.contains(&method) {
        // A legacy list may differ with each session and change without a word.
        object.member(member::TTL_MS, "0");
        object.member(member::CACHE_SCOPE, &quoted(cache_scope::PRIVATE));
    }
    let meta = Members::of(members.get(member::META)).ok()?;
    if let Some(meta) = self::meta(&meta, server) {
        object.member(member::META, &meta);
    }
    Some(object.finish())
}

/// `serverInfo` of the handshake, as it came.
pub(super) fn server_info(peer: &LegacyPeer) -> Option<String> {
    let opened = Members::read(peer.opened().get()).ok()?;
    opened.get(member::SERVER_INFO).map(|info| info.get().to_owned())
}

/// C-32: a result names the server that made it.
pub(super) fn meta(meta: &Members<'_>, server: Option<&str>) -> Option<String> {
    let mut object = Object::with_capacity(128);
    object.members(meta, |name| name != META_SERVER_INFO);
    if let Some(server) = server {
        object.member(META_SERVER_INFO, server);
    }
    Some(object.finish()).filter(|meta| meta != "{}")
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
