#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn refused(body: &str) -> Unreadable {
    Body::read(body.as_bytes()).unwrap_err()
}

fn one(body: &str) -> Message<'_> {
    match Body::read(body.as_bytes()).unwrap() {
        Body::One(message) => message,
        Body::Batch(_) => panic!("a batch"),
    }
}

#[test]
fn reads_what_decides() {
    let message = one(concat!(
        r#"{"jsonrpc":"2.0","id":12345678901234567890123,"method":"tools\/call","params":"#,
        r#"{"name":"create_\u0072equest","arguments":{"name":"other"},"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    ));
    let Message::Request { id, method, params } = message else { panic!("no request") };
    assert_eq!((id.get(), &*method), ("12345678901234567890123", "tools/call"));
    assert_eq!(params.name.as_deref(), Some("create_request"));
    assert_eq!(params.protocol_version.as_deref(), Some("2026-07-28"));
}

/// What is only kept for later is given back as it was written.
#[test]
fn parameters_that_are_read_later() {
    let message = one(concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","task":{"ttl":1.0},"#,
        r#""arguments":{"n": 1e2},"taskId":"t\u0031","notifications":[ ],"#,
        r#""_meta":{"io.modelcontextprotocol/clientCapabilities":{"x":1}}}}"#
    ));
    let Message::Request { params, .. } = message else { panic!("no request") };
    assert_eq!(params.arguments.unwrap().get(), r#"{"n": 1e2}"#);
    assert_eq!(params.task.unwrap().get(), r#"{"ttl":1.0}"#);
    assert_eq!(params.task_id().as_deref(), Some("t1"));
    assert_eq!(params.notifications.unwrap().get(), "[ ]");
    assert_eq!(params.client_capabilities.unwrap().get(), r#"{"x":1}"#);
    for twice in [r#""taskId":"a","taskId":"b""#, r#""arguments":{},"Arguments":{}"#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"x","params":{{{twice}}}}}"#);
        assert_eq!(refused(&body).code, INVALID_REQUEST, "{twice}");
    }
}

#[test]
fn tells_the_three_kinds_apart() {
    let note = one(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert!(matches!(note, Message::Notification { .. }));
    assert!(matches!(one(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#), Message::Answer));
    assert!(matches!(one(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#), Message::Answer));
    for both in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{},"result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
    ] {
        assert_eq!(refused(both).code, INVALID_REQUEST, "{both}");
    }
}

/// What a second parser could read otherwise is refused, with the id where there is one.
#[test]
fn ambiguous_members_are_refused() {
    for body in [
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","\u006dethod":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","Method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a"},"paramſ":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","NAME":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","name\u0000":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["a"]}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":["a"]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":[]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":["ping"]}"#,
        r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
        r#"{"id":7,"method":"ping"}"#,
    ] {
        let error = refused(body);
        assert_eq!((error.code, error.id.as_deref()), (INVALID_REQUEST, Some("7")), "{body}");
    }
    let twice = concat!(
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"#,
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/protocolVersion":"2025-11-25"}}}"#
    );
    assert_eq!(refused(twice).code, INVALID_REQUEST);
}

#[test]
fn what_is_not_one_json_text_is_a_parse_error() {
    for body in [
        "",
        "nope",
        "\u{feff}{}",
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping""#,
        r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#,
    ] {
        assert_eq!(refused(body).code, PARSE_ERROR, "{body}");
    }
    assert_eq!(Body::read(b"{\"method\":\"\xff\"}").unwrap_err().code, PARSE_ERROR);
    assert_eq!(refused("\"text\"").code, INVALID_REQUEST);
}

#[test]
fn ids_are_strings_or_integers() {
    for id in ["null", "1.5", "1e3", "true", "[1]", "{}"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let error = refused(&body);
        assert_eq!((error.code, error.id), (INVALID_REQUEST, None), "{id}");
    }
}

#[test]
fn depth_and_batches_are_limited() {
    let deep = |n: usize| {
        let (open, close) = ("[".repeat(n), "]".repeat(n));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{open}{close}}}}}"#)
    };
    assert!(Body::read(deep(126).as_bytes()).is_ok());
    assert_eq!(refused(&deep(127)).reason, "arrays and objects nest too deeply");
    assert_eq!(refused(&"[".repeat(1_000_000)).code, INVALID_REQUEST);
    assert_eq!(refused("[]").code, INVALID_REQUEST);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert!(
        matches!(Body::read(format!("[{ping},{ping}]").as_bytes()), Ok(Body::Batch(b)) if b.len() == 2)
    );
    assert!(Body::read(format!("[{}]", vec![ping; 101].join(",")).as_bytes()).is_err());
    assert!(Body::read(format!("[{ping},[{ping}]]").as_bytes()).is_err());
}

#[test]
fn errors_echo_the_id_and_escape_the_message() {
    let text = error_response(Some("\"a\""), -32602, "Unknown tool: \"x\"", None);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["id"], "a");
    assert_eq!(value["error"]["message"], "Unknown tool: \"x\"");
}

/// Texts that are close to a message, with every trick of names and escapes.
fn nearly_a_message() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("jsonrpc"),
        Just("id"),
        Just("method"),
        Just("params"),
        Just("result"),
        Just("Method"),
        Just("m\\u0065thod"),
        Just("METHOD"),
        Just("par\\u0061ms"),
        Just("x"),
    ];
    let inner = prop_oneof![
        Just("name"),
        Just("n\\u0061me"),
        Just("Name"),
        Just("uri"),
        Just("cursor"),
        Just("other"),
    ];
    let word =
        prop_oneof![Just("\"a\""), Just("\"\\u0061b\""), Just("1"), Just("null"), Just("[]")];
    let object = prop::collection::vec((inner, word.clone()), 0..4).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}", members.join(","))
    });
    let value = prop_oneof![
        Just("\"2.0\"".to_owned()),
        Just("\"tools/call\"".to_owned()),
        object,
        word.prop_map(str::to_owned),
    ];
    prop::collection::vec((key, value), 0..6).prop_map(|members| {
        let members = members.iter().map(|(k, v)| format!("\"{k}\":{v}"));
        let start = r#""jsonrpc":"2.0""#.to_owned();
        format!("{{{}}}", [start].into_iter().chain(members).collect::<Vec<_>>().join(","))
    })
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Body::read(&bytes);
    }

    #[test]
    fn never_panics_on_text(text in "[\\[\\]{}\":,a-c0-2\\\\ ]{0,60}") {
        let _ = Body::read(text.as_bytes());
    }

    /// What passes reads the same to a parser that keeps the last of two equal members, and to
    /// one that ignores letter case.
    #[test]
    fn agrees_with_an_ordinary_parser(text in nearly_a_message()) {
        let Ok(Body::One(message)) = Body::read(text.as_bytes()) else { return Ok(()) };
        let value: Value = serde_json::from_str(&text).unwrap();
        let member = |object: &Value, name: &str| -> Option<Value> {
            let mut found = object.as_object()?.iter().filter(|(k, _)| k.eq_ignore_ascii_case(name));
            found.next_back().map(|(_, v)| v.clone())
        };
        prop_assert_eq!(message.method().map(|m| json!(m)), member(&value, "method"));
        if let Message::Request { params, .. } | Message::Notification { params, .. } = &message {
            let theirs = member(&value, "params").unwrap_or_default();
            let text = |name| member(&theirs, name).filter(|v| !v.is_null());
            prop_assert_eq!(params.name.as_deref().map(|v| json!(v)), text("name"));
            prop_assert_eq!(params.uri.as_deref().map(|v| json!(v)), text("uri"));
            prop_assert_eq!(params.cursor.as_deref().map(|v| json!(v)), text("cursor"));
        }
    }
}
