//! D-32: the parameters of a modern request as a legacy server wants them.

use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{
    META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_PROTOCOL_VERSION, member,
};
use upstream::wire::json::{Members, Object};

/// What only a modern server understands in `_meta`.
const MODERN_META: [&str; 4] =
    [META_PROTOCOL_VERSION, META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL];

/// What only the bridge understands beside it. `task` would turn a call into a task of the 2025
/// revision, whose answer no modern client can read (D-41).
const NOT_FOR_SERVERS: [&str; 4] =
    [member::META, member::INPUT_RESPONSES, member::REQUEST_STATE, member::TASK];

/// The parameters of the request in `body`, under our id. `None` if nothing is left of them.
pub(super) fn params(body: &[u8], id: u64) -> Option<String> {
    let message = Members::read(std::str::from_utf8(body).ok()?).ok()?;
    let params = Members::of(message.get(PARAMS)).ok()?;
    let mut object = Object::with_capacity(body.len());
    object.members(&params, |name| !NOT_FOR_SERVERS.contains(&name));
    if let Some(meta) = meta(&params, id) {
        object.member(member::META, &meta);
    }
    Some(object.finish()).filter(|params| params != "{}")
}

/// Trace context and whatever is not ours to know stays. Several clients share the session, and
/// each chooses its tokens alone, so ours takes the place of the client's.
fn meta(params: &Members<'_>, id: u64) -> Option<String> {
    let meta = Members::of(params.get(member::META)).ok()?;
    let mut object = Object::with_capacity(64);
    object.members(&meta, |name| !MODERN_META.contains(&name) && name != member::PROGRESS_TOKEN);
    if meta.get(member::PROGRESS_TOKEN).is_some() {
        object.member(member::PROGRESS_TOKEN, &id.to_string());
    }
    Some(object.finish()).filter(|meta| meta != "{}")
}

#[cfg(test)]
mod tests {
    fn params_of(params: &str) -> Option<String> {
        super::params(format!(r#"{{"id":1,"method":"x","params":{params}}}"#).as_bytes(), 42)
    }

    /// D-32: nothing modern reaches the server; the rest keeps its bytes.
    #[test]
    fn d_32_modern_words_are_left_out() {
        let modern = concat!(
            r#"{"name":"t","arguments":{"n":12345678901234567890123, "z":1.0},"_meta":{"#,
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"mine","#,
            r#""io.modelcontextprotocol/clientCapabilities":{},"traceparent":"00-1","com.x/y":[]},"#,
            r#""inputResponses":{},"requestState":"s","task":{"ttl":1}}"#
        );
        let legacy = concat!(
            r#"{"name":"t","arguments":{"n":12345678901234567890123, "z":1.0},"#,
            r#""_meta":{"traceparent":"00-1","com.x/y":[],"progressToken":42}}"#
        );
        assert_eq!(params_of(modern).as_deref(), Some(legacy));
        let bare = r#"{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"c"}}}"#;
        assert_eq!(params_of(bare), None);
    }
}
