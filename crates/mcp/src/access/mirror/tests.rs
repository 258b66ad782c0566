#![expect(clippy::unwrap_used, reason = "tests")]

use http::{HeaderName, HeaderValue};
use protocol::jsonrpc::Body;

use super::*;

fn judge(body: &str, headers: &[(&'static str, &str)]) -> Result<Era, i32> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let Body::One(message) = Body::read(body.as_bytes()).unwrap() else { panic!("a batch") };
    check(&message, &map).map_err(|mismatch| mismatch.code)
}

fn call(version: Option<&str>) -> String {
    let meta = version.map_or(String::new(), |version| {
        format!(r#","_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}"}}"#)
    });
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"Grüße"{meta}}}}}"#)
}

const VERSION: (&str, &str) = (PROTOCOL_VERSION_HEADER, MODERN_REVISION);
const METHOD: (&str, &str) = (METHOD_HEADER, "tools/call");
const NAME: (&str, &str) = (NAME_HEADER, "=?base64?R3LDvMOfZQ==?=");

/// T-MCP-46: missing, different, repeated or undecodable mirrors of a modern request.
#[test]
fn t_mcp_46_modern_mirrors_must_agree() {
    let body = call(Some(MODERN_REVISION));
    assert_eq!(judge(&body, &[VERSION, METHOD, NAME]), Ok(Era::Modern));
    for headers in [
        vec![VERSION, METHOD],
        vec![VERSION, NAME],
        vec![VERSION, (METHOD_HEADER, "tools/list"), NAME],
        vec![VERSION, (METHOD_HEADER, "TOOLS/CALL"), NAME],
        vec![VERSION, METHOD, (NAME_HEADER, "other")],
        vec![VERSION, METHOD, (NAME_HEADER, "=?base64?***?=")],
        vec![VERSION, METHOD, (NAME_HEADER, "R3LDvMOfZQ==")],
        vec![VERSION, METHOD, NAME, NAME],
        vec![VERSION, METHOD, METHOD, NAME],
    ] {
        assert_eq!(judge(&body, &headers), Err(HEADER_MISMATCH), "{headers:?}");
    }
}

/// T-MCP-47: the revision in the header and in `_meta`.
#[test]
fn t_mcp_47_revisions_must_agree() {
    let body = call(Some(MODERN_REVISION));
    for headers in [
        vec![METHOD, NAME],
        vec![(PROTOCOL_VERSION_HEADER, "2025-11-25"), METHOD, NAME],
        vec![VERSION, VERSION, METHOD, NAME],
    ] {
        assert_eq!(judge(&body, &headers), Err(HEADER_MISMATCH), "{headers:?}");
    }
    assert_eq!(judge(&call(None), &[VERSION, METHOD, NAME]), Err(INVALID_PARAMS));
    assert_eq!(
        judge(&call(None), &[(PROTOCOL_VERSION_HEADER, "1999-01-01")]),
        Err(INVALID_REQUEST)
    );
    assert_eq!(judge(&call(None), &[(PROTOCOL_VERSION_HEADER, "banana")]), Err(INVALID_REQUEST));
}

/// D-23: nothing that pins a client to the modern era is said to a legacy message.
#[test]
fn t_mcp_46_legacy_mirrors_agree_where_they_stand() {
    let legacy = (PROTOCOL_VERSION_HEADER, "2025-11-25");
    assert_eq!(judge(&call(None), &[]), Ok(Era::Legacy));
    assert_eq!(judge(&call(None), &[legacy, METHOD, NAME]), Ok(Era::Legacy));
    assert_eq!(judge(&call(None), &[legacy, (METHOD_HEADER, "ping")]), Err(INVALID_REQUEST));
    assert_eq!(judge(&call(None), &[legacy, (NAME_HEADER, "other")]), Err(INVALID_REQUEST));
}

#[test]
fn notifications_and_answers() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#;
    assert_eq!(judge(note, &[VERSION]), Ok(Era::Modern));
    assert_eq!(judge(note, &[]), Ok(Era::Legacy));
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(judge(answer, &[]), Ok(Era::Legacy));
    assert_eq!(judge(answer, &[VERSION]), Err(INVALID_REQUEST));
}
