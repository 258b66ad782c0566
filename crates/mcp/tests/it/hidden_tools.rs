//! A14: no form of an answer takes a list of tools past the filter.
//!
//! Each server here answers everything with one list in one odd form. Whatever the request was,
//! whoever may only read never sees the name of a tool that needs more, not even where only a
//! lenient client would look for it.

use serde_json::json;

use crate::support::{
    Ask, Reply, World, event_id, events, frame, get, legacy, modern, status, text,
};

/// A tool that this person may never use, and one that they may.
const TOOLS: &str = r#"{"tools":[{"name":"get_x"},{"name":"admin_secret"}]}"#;

fn list(id: u8) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{TOOLS}}}"#)
}

/// Streams that hold the list `message` for some client.
fn streams(message: &str) -> Vec<String> {
    let halves = message.split_once(',').unwrap();
    vec![
        format!("data: {message}\n\n"),
        format!("event\ndata: {message}\n\n"),
        format!("event:\ndata: {message}\n\n"),
        format!("event: \ndata: {message}\n\n"),
        format!("event: other\ndata: {message}\n\n"),
        format!("event: other\nevent: message\ndata: {message}\n\n"),
        format!("event: message\nevent: other\ndata: {message}\n\n"),
        format!("\u{feff}data: {message}\n\n"),
        format!("\u{feff}event: message\ndata: {message}\n\n"),
        format!("\u{feff}\u{feff}data: {message}\n\n"),
        format!("data: {{}}\n\n\u{feff}data: {message}\n\n"),
        format!("Data: {message}\n\n"),
        format!("data : {message}\n\n"),
        format!("data: {},\ndata:{}\n\n", halves.0, halves.1),
        format!("event:\r\ndata: {message}\r\n\r\n"),
        format!("event:\rdata: {message}\r\r"),
        format!("data: [{message}]\n\n"),
        format!("data: [{message},null]\n\n"),
        format!("data: {}\n\n", message.replace("result", "Result")),
        format!("data: {}\n\n", message.replace("tools", "TOOLS")),
        format!("data: {}\n\n", message.replace("tools", "tool\\u0073")),
        format!("data: {}\n\n", message.replace("\"result\"", "\"method\":\"ping\",\"result\"")),
        format!("data: {{\"half\":\"\n\ndata: {message}\n\n"),
        format!(": hi\u{2028}\u{2028}data: {message}\u{2028}\u{2028}\n\n"),
        format!("id: 1\u{85}\u{85}data: {message}\n\ndata: {{}}\n\n"),
        format!("data: {message}"),
        format!("{{\"\n\ndata: {message}\n\n"),
        format!("[\ndata: {message}\n\n"),
        format!("xdata: \"\ndata: {message}\n\n"),
        format!("Data: \"\ndata: {message}\n\n"),
        format!("\u{feff}data: {},\nxdata: \"\ndata:{}\n\n", halves.0, halves.1),
        format!("data: \"\ndata: {message}\n\n"),
        format!("data: {}\n\n", message.replace("\"result\"", "\"ID\":7,\"result\"")),
        format!("data: {}\n\n", message.replace("\"result\"", "\"result\\u0000\"")),
        format!("data: {}\n\n", message.replace("\"tools\"", "\"tools\\u0000\"")),
    ]
}

/// What a client sees of an answer before it ends or breaks off.
async fn seen(reply: impl Fn() -> Reply + Send + Sync + 'static, ask: Ask) -> String {
    let world = World::new(move |request| match request.header("user-agent") {
        "first" => events("id: 1\ndata:\n\n"),
        _ => reply(),
    })
    .await;
    let token = world.token("mcp:read");
    let mut ask = ask.bearer(&token);
    if ask.names("last-event-id") {
        // Only an id that was told before opens.
        let first = get("/mcp").header("user-agent", "first").bearer(&token);
        ask = ask.instead("last-event-id", &event_id(&world.ask(first).await));
    }
    let mut body = world.sidecar.handle(ask.build()).await.into_body();
    let mut seen = String::new();
    while let Some(Ok(piece)) = frame(&mut body).await {
        seen.push_str(text(&piece));
    }
    seen
}

/// The requests that `message`, an answer to request `id`, could be read from.
fn requests(id: u8) -> Vec<(&'static str, Ask)> {
    let stream = || get("/mcp").header("accept", "text/event-stream");
    let mut requests =
        vec![("standing GET", stream()), ("resumed GET", stream().header("last-event-id", "1"))];
    if id == 7 {
        requests.push(("tools/list", legacy("tools/list", &json!({}))));
        requests.push(("modern tools/list", modern("tools/list", &json!({}))));
    } else {
        let call = json!({ "name": "get_x" });
        requests.push(("tools/call", legacy("tools/call", &call)));
        requests.push(("modern tools/call", modern("tools/call", &call)));
        let task = json!({ "name": "get_x", "task": {} });
        requests.push(("a call that begins a task", legacy("tools/call", &task)));
        requests.push(("ping", legacy("ping", &json!({}))));
        requests.push(("initialize", legacy("initialize", &json!({}))));
    }
    requests
}

/// Item 1: lists in events, on the stream of their request and on every other.
#[tokio::test]
async fn no_event_takes_a_list_past_the_filter() {
    for id in [7, 8] {
        for stream in streams(&list(id)) {
            for (what, ask) in requests(id) {
                let said = stream.clone();
                let reply = move || status(200, &[("content-type", "text/event-stream")], &said);
                let seen = seen(reply, ask).await;
                assert!(!seen.contains("admin_secret"), "{what}: {stream:?} gave {seen:?}");
            }
        }
    }
}

/// A client that looks for the encoding itself, as RFC 4627 §3 had it, reads UTF-16 and UTF-32 in
/// whatever calls itself JSON.
#[tokio::test]
async fn no_other_encoding_takes_a_list_past_the_filter() {
    for id in [7, 8] {
        for width in [2, 4] {
            for little in [true, false] {
                let wide = |unit: u16| {
                    let mut bytes = vec![0; width];
                    let [low, high] = unit.to_le_bytes();
                    let (at_low, at_high) = if little { (0, 1) } else { (width - 1, width - 2) };
                    (bytes[at_low], bytes[at_high]) = (low, high);
                    bytes
                };
                let body: Vec<u8> = list(id).encode_utf16().flat_map(wide).collect();
                let body = String::from_utf8(body).unwrap();
                for kind in ["application/json", "text/event-stream", "text/plain"] {
                    for (what, ask) in requests(id) {
                        let said = body.clone();
                        let reply = move || status(200, &[("content-type", kind)], &said);
                        let seen = seen(reply, ask).await.replace('\0', "");
                        assert!(
                            !seen.contains("admin_secret"),
                            "{what}: {kind}, {width}: {seen:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Where clients differ on where a line ends, the list is a comment, or the middle of a text, for
/// some of them and data for others. It leaves as what the standard calls it, for all of them.
#[tokio::test]
async fn no_client_sees_other_lines_than_the_others() {
    let is_end = |c: char| "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}".contains(c);
    for id in [7, 8] {
        let message = list(id);
        let rest = format!(":{id},\"result\":{TOOLS},\"x\"\ndata: :\"y\"}}\n\n");
        for stream in [
            format!("data: {{\"id\"\r{rest}"),
            format!("data: \"\u{2028}\u{2028}data: {message}\n\n"),
            format!("data: \"\u{c}data: {message}\n\n"),
            format!("data: \"\u{85}data: {message}\n\n"),
            format!(": \rx: \u{1d}data: {message}\n\n"),
        ] {
            for (what, ask) in requests(id) {
                let said = stream.clone();
                let reply = move || status(200, &[("content-type", "text/event-stream")], &said);
                let seen = seen(reply, ask).await;
                let joined_at_lf = seen.split('\n').filter_map(|line| line.strip_prefix("data:"));
                let joined_at_lf = joined_at_lf.collect::<String>();
                let odd_lines = seen.split(is_end).filter_map(|line| line.strip_prefix("data:"));
                for data in odd_lines.chain([&*joined_at_lf]) {
                    let read = serde_json::from_str::<serde_json::Value>(data);
                    let hidden = read.is_ok_and(|data| data.to_string().contains("admin_secret"));
                    assert!(!hidden, "{what}: {stream:?} gave {seen:?}");
                }
            }
        }
    }
}

/// The type of an answer is the one by which it was judged, and nothing beside it.
#[tokio::test]
async fn a_type_leaves_without_its_parameters() {
    for (kind, leaves) in [
        ("application/json; x=text/event-stream", "application/json"),
        ("Application/JSON;charset=UTF-8", "application/json"),
        ("text/event-stream; charset=utf-8", "text/event-stream"),
        ("text/plain; text/event-stream", "text/plain"),
    ] {
        let world = World::new(move |_| status(200, &[("content-type", kind)], "{}")).await;
        let token = world.token("mcp:read");
        let answer = world.ask(legacy("ping", &json!({})).bearer(&token)).await;
        assert_eq!(answer.headers["content-type"], leaves, "{kind}");
    }
}

/// A14: whatever the status and the content type are.
#[tokio::test]
async fn no_status_and_no_content_type_takes_a_list_past_the_filter() {
    for id in [7, 8] {
        let message = list(id);
        let bodies = [
            message.clone(),
            format!("[{message}]"),
            message.replace("result", "Result"),
            message.replace("tools", "Tools"),
            format!("data: {message}\n\n"),
            format!(": \"\n\ndata: {message}\n\n"),
            format!("{{}}{message}"),
        ];
        for body in bodies {
            for code in [200, 201, 202, 400, 404, 422, 500, 503] {
                for kind in ["application/json", "text/event-stream", "text/plain", "text/html"] {
                    for (what, ask) in requests(id) {
                        let said = body.clone();
                        let reply = move || status(code, &[("content-type", kind)], &said);
                        let seen = seen(reply, ask).await;
                        let case = format!("{what}: {code} {kind} {body:?}");
                        assert!(!seen.contains("admin_secret"), "{case} gave {seen:?}");
                    }
                }
            }
        }
    }
}

/// What is in order arrives: the filter takes away nothing but the tool.
#[tokio::test]
async fn what_may_pass_arrives_in_each_of_these_forms() {
    let mut lists = 0;
    for stream in streams(&list(7)) {
        let said = stream.clone();
        let reply = move || status(200, &[("content-type", "text/event-stream")], &said);
        let ask = get("/mcp").header("accept", "text/event-stream");
        lists += usize::from(seen(reply, ask).await.contains("get_x"));
    }
    assert_eq!(lists, 16, "the forms that the standard reads as this list");
    // A result of the request's own may have a member of this name.
    let own = format!("data: {}\n\n", list(7));
    for (kind, said) in [("text/event-stream", own.clone()), ("application/json", list(7))] {
        let expected = said.clone();
        let reply = move || status(200, &[("content-type", kind)], &said);
        let call = legacy("tools/call", &json!({ "name": "get_x" }));
        assert_eq!(seen(reply, call).await, expected);
    }
    // An error keeps its status and its text.
    let refusal = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no such page"}}"#;
    let reply = move || status(400, &[("content-type", "application/json")], refusal);
    assert_eq!(seen(reply, legacy("tools/list", &json!({}))).await, refusal);
}
