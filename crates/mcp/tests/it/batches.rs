//! JSON-RPC batches, which only 2025-03-26 knows.

use serde_json::{Value, json};

use crate::sessions::{open, sessions};
use crate::support::{
    Answer, Ask, Recorded, Reply, World, events, json as json_reply, post, status, text,
};

fn batch(token: &str, session: &str, body: &str) -> Ask {
    post(body).header("mcp-session-id", session).bearer(token)
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn only_sessions_of_2025_03_26_take_them() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let old = open(&world, &token, "2025-03-26").await;
    let new = open(&world, &token, "2025-11-25").await;
    let body = format!("[{PING},{PING}]");
    assert_eq!(world.ask(batch(&token, &old, &body)).await.status, 200);
    assert_eq!(&world.server.requests().pop().unwrap().body[..], body.as_bytes());
    let asked = world.server.requests().len();
    for refused in [batch(&token, &new, &body), post(&body).bearer(&token)] {
        let answer = world.ask(refused).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600));
    }
    assert_eq!(world.server.requests().len(), asked);
}

fn call(id: u32, tool: &str) -> String {
    let params = json!({ "name": tool });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;
const TOOLS: &str = r#"{"tools":[{"name":"get_x","n":1.0},{"name":"run_x"}]}"#;
const SIEVED: &str = r#"{"tools":[{"name":"get_x","n":1.0}]}"#;

/// The server's answer to one message; `None` if it wants none.
fn one(message: &Value) -> Option<String> {
    let id = message.get("id").filter(|_| message.get("method").is_some())?;
    let result = if message["method"] == "tools/list" { TOOLS } else { "{}" };
    Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

/// A server that answers a batch with an array.
fn arrays(request: &Recorded) -> Reply {
    let Value::Array(batch) = request.message() else { return sessions(request) };
    let answers: Vec<String> = batch.iter().filter_map(one).collect();
    if answers.is_empty() {
        return status(202, &[], "");
    }
    json_reply(&format!("[{}]", answers.join(",")))
}

/// A server that answers a batch with events: first one message, then an array of the rest.
fn streams(request: &Recorded) -> Reply {
    let Value::Array(batch) = request.message() else { return sessions(request) };
    let answers: Vec<String> = batch.iter().filter_map(one).collect();
    let (first, rest) = answers.split_first().unwrap();
    events(&format!(": hi\n\ndata: {first}\n\nid: 2\ndata: [{}]\n\n", rest.join(",")))
}

/// A server that opens such sessions and takes no arrays.
fn singles(request: &Recorded) -> Reply {
    let message = request.message();
    if message.is_array() {
        return status(400, &[("content-type", "text/plain")], "one at a time");
    }
    match (message["method"].as_str(), one(&message)) {
        (Some("initialize"), _) => sessions(request),
        (Some("tools/call"), Some(answer)) => {
            events(&format!("data: {NOTE}\n\ndata: {answer}\n\n"))
        }
        (_, Some(answer)) => json_reply(&answer.replace("{\"jsonrpc", "{\n\"jsonrpc")),
        (_, None) => status(202, &[], ""),
    }
}

/// Sends a batch of `messages` in a new session and gives the answer and what was passed on.
async fn sent(
    server: fn(&Recorded) -> Reply,
    scopes: &str,
    messages: &[&str],
) -> (Answer, Vec<Recorded>) {
    let world = World::new(server).await;
    let token = world.token(scopes);
    let session = open(&world, &token, "2025-03-26").await;
    let asked = world.server.requests().len();
    let answer = world.ask(batch(&token, &session, &format!("[{}]", messages.join(",")))).await;
    (answer, world.server.requests().split_off(asked))
}

/// The error code, or 0 for a result, of each answer by its id.
fn outcomes(answer: &Answer) -> Vec<(Value, i64)> {
    let messages = if answer.header("content-type") == "text/event-stream" {
        messages_in(answer)
    } else {
        answer.json().as_array().unwrap().clone()
    };
    let answers = messages.iter().filter(|message| message.get("method").is_none());
    let mut outcomes: Vec<_> = answers
        .map(|m| (m["id"].clone(), m["error"]["code"].as_i64().unwrap_or_default()))
        .collect();
    outcomes.sort_by_key(|(id, _)| id.to_string());
    outcomes
}

fn messages_in(answer: &Answer) -> Vec<Value> {
    let mut messages = Vec::new();
    for event in text(&answer.body).split("\n\n") {
        let data: Vec<&str> =
            event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        match serde_json::from_str(&data.join("\n")) {
            Ok(Value::Array(batch)) => messages.extend(batch),
            Ok(message) => messages.push(message),
            Err(_) => {}
        }
    }
    messages
}

/// A list under an id that is nobody's in the batch.
const STRAY: &str = r#"{"jsonrpc":"2.0","id":70,"result":{"tools":[{"name":"run_y"}]}}"#;

/// A14: a list in the answer to a batch is filtered, also where the batch asked for none.
#[tokio::test]
async fn a14_lists_that_a_batch_did_not_ask_for() {
    fn in_an_array(request: &Recorded) -> Reply {
        if request.message().is_array() {
            json_reply(&format!("[{STRAY}]"))
        } else {
            sessions(request)
        }
    }
    fn in_events(request: &Recorded) -> Reply {
        let array = request.message().is_array();
        if array {
            events(&format!("data: {STRAY}\n\ndata: [{STRAY}]\n\n"))
        } else {
            sessions(request)
        }
    }
    fn one_by_one(request: &Recorded) -> Reply {
        let message = request.message();
        match message["method"].as_str() {
            None => status(400, &[("content-type", "text/plain")], "one at a time"),
            Some("initialize") => sessions(request),
            Some("ping") => json_reply(&format!("[{STRAY}]")),
            Some(_) => events(&format!("data: {STRAY}\n\n")),
        }
    }
    let (may, may_not) = (call(2, "get_x"), call(3, "run_x"));
    for messages in [vec![PING, &may], vec![PING, &may, &may_not], vec![&may, NOTE]] {
        for server in [in_an_array, in_events, one_by_one] {
            let (answer, _) = sent(server, "mcp:read", &messages).await;
            let seen = text(&answer.body);
            assert!(!seen.contains("run_y"), "{messages:?} gave {seen}");
        }
    }
}

/// D-07, D-60: what may pass goes on in its own bytes, and each refusal is its own error.
#[tokio::test]
async fn d_60_each_message_is_judged() {
    let task = r#"{"jsonrpc":"2.0","id":5,"method":"tasks/get","params":{"taskId":"x"}}"#;
    let without_id = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"get_x"}}"#;
    let (run, create, get) = (call(2, "run_x"), call(3, "create_x"), call(4, "get_x"));
    let messages = [PING, &run, &create, NOTE, task, without_id, &get];
    let (answer, passed) = sent(arrays, "mcp:read", &messages).await;
    assert_eq!(answer.status, 200);
    assert_eq!(passed.len(), 1);
    assert_eq!(text(&passed[0].body), format!("[{PING},{NOTE},{get}]"));
    let expected = [
        (json!(1), 0),
        (json!(2), -32602),
        (json!(3), -31403),
        (json!(4), 0),
        (json!(5), -32602),
        (json!(null), -32600),
    ];
    assert_eq!(outcomes(&answer), expected);
}

/// D-60: a list in a batch is as filtered as any other, and untouched otherwise.
#[tokio::test]
async fn d_60_lists_are_filtered() {
    for server in [arrays, streams, singles] {
        let (answer, _) = sent(server, "mcp:read", &[PING, LIST]).await;
        assert_eq!(outcomes(&answer), [(json!("l"), 0), (json!(1), 0)]);
        let body = text(&answer.body);
        assert!(body.contains(SIEVED) && !body.contains("run_x"), "{body}");
    }
}

/// D-07: streams keep their events, and our refusals are among them.
#[tokio::test]
async fn d_07_a_stream_is_joined() {
    let (create, get) = (call(3, "create_x"), call(4, "get_x"));
    let (answer, _) = sent(streams, "mcp:read", &[&create, PING, &get]).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(outcomes(&answer), [(json!(1), 0), (json!(3), -31403), (json!(4), 0)]);
    assert!(text(&answer.body).contains(": hi\n\n"));
}

/// D-60: a server of a later revision gets the messages one by one.
#[tokio::test]
async fn d_60_one_by_one() {
    let (create, get) = (call(3, "create_x"), call(4, "get_x"));
    let (answer, passed) = sent(singles, "mcp:read", &[&create, PING, NOTE, &get]).await;
    assert_eq!(outcomes(&answer), [(json!(1), 0), (json!(3), -31403), (json!(4), 0)]);
    let passed: Vec<&str> = passed.iter().map(|request| text(&request.body)).collect();
    assert_eq!(passed, [&format!("[{PING},{NOTE},{get}]"), PING, NOTE, &get]);
    let news = messages_in(&answer).iter().filter(|m| m.get("method").is_some()).count();
    assert_eq!(news, 1, "what comes before an answer passes, too");
}

/// D-60: when only scope is missing, and to every request, one challenge names all of it.
#[tokio::test]
async fn d_60_every_request_needs_more_scope() {
    let (create, read) = (call(3, "create_x"), call(4, "get_x"));
    let (answer, passed) = sent(arrays, "", &[&create, NOTE, &read]).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (403, -31403));
    let challenge = answer.challenge();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert!(challenge.contains("scope=\"mcp:read mcp:write\""), "{challenge}");
    assert!(passed.is_empty());
    let (answer, passed) = sent(arrays, "", &[&create, &call(5, "run_x")]).await;
    assert_eq!(answer.status, 200, "one of them is not for want of scope");
    assert_eq!(outcomes(&answer), [(json!(3), -31403), (json!(5), -32602)]);
    assert!(passed.is_empty());
}

#[tokio::test]
async fn only_notifications_and_answers() {
    let reply = r#"{"jsonrpc":"2.0","id":"s1","result":{}}"#;
    let (answer, passed) = sent(arrays, "mcp:read", &[NOTE, reply]).await;
    assert_eq!((answer.status.as_u16(), passed.len()), (202, 1));
    let create = call(3, "create_x");
    let (answer, passed) = sent(arrays, "mcp:read", &[NOTE, &call(4, "run_x"), &create]).await;
    assert_eq!((answer.status.as_u16(), text(&passed[0].body)), (200, &*format!("[{NOTE}]")));
    assert_eq!(outcomes(&answer), [(json!(3), -31403), (json!(4), -32602)]);
}

/// D-60: what may be in no batch, or what is no batch, is refused whole.
#[tokio::test]
async fn d_60_what_stands_alone() {
    let world = World::new(arrays).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-03-26").await;
    let asked = world.server.requests().len();
    let modern = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping", "params": {
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } } })
    .to_string();
    for element in [
        r#"{"jsonrpc":"2.0","id":2,"method":"initialize"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"ping","method":"x"}"#,
        &modern,
        &format!("[{PING}]"),
    ] {
        let answer = world.ask(batch(&token, &session, &format!("[{PING},{element}]"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600), "{element}");
    }
    let mirrored = batch(&token, &session, &format!("[{PING}]")).header("mcp-method", "ping");
    assert_eq!(world.ask(mirrored).await.status, 400);
    assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
}

/// An answer that may hold an unfiltered list and cannot be read does not pass.
#[tokio::test]
async fn rubbish_does_not_pass() {
    let rubbish = |request: &Recorded| match request.message() {
        Value::Array(_) => json_reply(r#"[{"id":"l","result":{"tools":{"run_x":1}}}]"#),
        _ => sessions(request),
    };
    let (answer, _) = sent(rubbish, "mcp:read", &[PING, LIST]).await;
    assert_eq!(answer.status, 502);
    assert!(!text(&answer.body).contains("run_x"));
}
