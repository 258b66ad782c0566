//! D-31: `server/discover`, from a legacy server's handshake.

use http::StatusCode;
use protocol::jsonrpc::member::RESULT;
use protocol::jsonrpc::response;
use protocol::mcp::{MODERN_REVISION, cache_scope, capability, member, result_type};
use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object, quoted};

use super::bridged_request::BridgedRequest;
use super::{refusal, result};
use crate::bridge::Crossing;
use crate::reply;
use crate::reply::Answer;

/// How long a client may keep the answer, in milliseconds. A server may be replaced any time.
const HOLDS_MILLIS: &str = "60000";

/// What the bridge carries. Tasks and experiments it does not, and neither any extension (C-46).
const CARRIED: [&str; 5] = [
    capability::COMPLETIONS,
    capability::LOGGING,
    capability::PROMPTS,
    capability::RESOURCES,
    capability::TOOLS,
];

/// Answers `server/discover`.
pub(super) async fn answer(call: &Crossing<'_>, asked: &BridgedRequest) -> Answer {
    let peer = asked.peer().await.map_err(|error| refusal(call, error))?;
    let result = from_handshake(peer.opened().get())
        .ok_or_else(|| refusal(call, ConnectionError::Garbled))?;
    let text = response(&asked.id, RESULT, &result);
    Ok(reply::json(StatusCode::OK, text.into()))
}

/// Only the modern revision is listed. A client that found older ones here would have no way to
/// them: it is told not to fall back to `initialize` (MCP leaves open what else they would be for).
/// Legacy clients are served all the same; they never ask.
fn from_handshake(opened: &str) -> Option<String> {
    let opened = Members::read(opened).ok()?;
    let mut object = Object::with_capacity(512);
    object.member(member::RESULT_TYPE, &quoted(result_type::COMPLETE));
    object.member(member::SUPPORTED_VERSIONS, &format!("[\"{MODERN_REVISION}\"]"));
    let declared = Members::of(opened.get(member::CAPABILITIES)).ok()?;
    object.member(member::CAPABILITIES, &capabilities(&declared)?);
    if let Some(instructions) = opened.get(member::INSTRUCTIONS) {
        object.member(member::INSTRUCTIONS, instructions.get());
    }
    object.member(member::TTL_MS, HOLDS_MILLIS);
    object.member(member::CACHE_SCOPE, &quoted(cache_scope::PRIVATE));
    let server = opened.get(member::SERVER_INFO).map(RawValue::get);
    if let Some(meta) = result::meta(&Members::of(None).ok()?, server) {
        object.member(member::META, &meta);
    }
    Some(object.finish())
}

fn capabilities(declared: &Members<'_>) -> Option<String> {
    let mut object = Object::with_capacity(128);
    for (name, value) in declared.iter().filter(|(name, _)| CARRIED.contains(name)) {
        let parts = Members::read(value.get()).ok()?;
        let mut kept = Object::with_capacity(48);
        kept.members(&parts, |part| {
            matches!(part, capability::LIST_CHANGED | capability::SUBSCRIBE)
        });
        object.member(name, &kept.finish());
    }
    Some(object.finish())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-31, C-40: what can be delivered, and no more.
    #[test]
    fn d_31_the_handshake_becomes_a_discovery() {
        let opened = concat!(
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tasks":{"list":{}},"#,
            r#""experimental":{"x":{}},"tools":{"listChanged":true,"odd":1},"logging":{}},"#,
            r#""serverInfo":{"name":"s","version":"1"},"instructions":"Be kind."}"#
        );
        let expected = concat!(
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"#,
            r#""capabilities":{"tools":{"listChanged":true},"logging":{}},"#,
            r#""instructions":"Be kind.","ttlMs":60000,"cacheScope":"private","#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
        );
        assert_eq!(from_handshake(opened).unwrap(), expected);
        assert_eq!(from_handshake("[]"), None);
    }
}
