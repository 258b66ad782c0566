//! Requests on their way to a modern server, and their answers back.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::script::{Client, done, next, of_method, result, said, stream, world};
use crate::support::{Reply, status, text};

fn failed(status_code: u16, code: i32) -> impl Fn(&crate::support::Recorded) -> Reply {
    move |request| {
        let error = json!({ "code": code, "message": "m", "data": { "x": 1 } });
        let message = json!({ "jsonrpc": "2.0", "id": request.message()["id"], "error": error });
        status(status_code, &[("content-type", "application/json")], &message.to_string())
    }
}

fn tools() -> Value {
    let schema = json!({ "type": "object", "properties": {
        "region": { "type": "string", "x-mcp-header": "Region" },
        "n": { "type": "integer", "x-mcp-header": "N" },
    } });
    json!({
        "resultType": "complete", "ttlMs": 0, "cacheScope": "public",
        "tools": [
            { "name": "get_x", "title": "X", "inputSchema": schema },
            { "name": "create_y", "inputSchema": { "type": "object" } },
            { "name": "delete_z", "inputSchema": { "type": "object" } },
        ],
    })
}

/// D-51, C-11, C-14, C-15: everything that a modern server must be told, and nothing twice.
#[tokio::test]
async fn d_51_a_legacy_call_becomes_modern() {
    let world = world(|request| match request.rpc_method().as_str() {
        "tools/list" => result(request, &tools()),
        _ => result(request, &done("x")),
    })
    .await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let params = json!({
        "name": "get_x", "task": { "ttl": 1 }, "inputResponses": {}, "requestState": "forged",
        "arguments": { "region": "Grüße", "n": 42 },
        "_meta": { "a.example/b": 1, "io.modelcontextprotocol/logLevel": "debug" },
    });
    for _ in 0..2 {
        let answer = world.ask(client.ask(9, "tools/call", &params)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (200, &json!(9)));
    }
    assert_eq!(of_method(&world, "tools/list").len(), 1, "asked once for its schema");
    let calls = of_method(&world, "tools/call");
    let sent = &calls[0];
    assert_eq!(sent.header("mcp-method"), "tools/call");
    assert_eq!(sent.header("mcp-name"), "get_x");
    assert_eq!(sent.header("mcp-param-region"), "=?base64?R3LDvMOfZQ==?=");
    assert_eq!(sent.header("mcp-param-n"), "42");
    assert_eq!(sent.header("mcp-protocol-version"), "2026-07-28");
    assert!(!sent.headers.contains_key("mcp-session-id"));
    let message = sent.message();
    assert_eq!(
        message["params"],
        json!({
            "name": "get_x", "arguments": { "region": "Grüße", "n": 42 },
            "_meta": {
                "a.example/b": 1,
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": "old", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        })
    );
    assert_ne!(message["id"], calls[1].message()["id"]);
}

/// D-51: names that no header carries are encoded.
#[tokio::test]
async fn d_51_c_14_names_are_encoded() {
    let world = world(|request| result(request, &json!({ "contents": [] }))).await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    world.ask(client.ask(1, "resources/read", &json!({ "uri": "a:日本" }))).await;
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(sent.header("mcp-name"), "=?base64?YTrml6XmnKw=?=");
}

/// C-20: a server that finds other headers right is asked for its tools again, once.
#[tokio::test]
async fn c_20_the_schema_is_learned_anew_once() {
    let lists = AtomicUsize::new(0);
    let world = world(move |request| match request.rpc_method().as_str() {
        "tools/list" if lists.fetch_add(1, Ordering::SeqCst) == 0 => {
            result(request, &json!({ "tools": [{ "name": "get_x", "inputSchema": {} }] }))
        }
        "tools/list" => result(request, &tools()),
        _ if request.header("mcp-param-region") == "eu" => result(request, &done("x")),
        _ => failed(400, -32020)(request),
    })
    .await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let good = json!({ "name": "get_x", "arguments": { "region": "eu" } });
    let answer = world.ask(client.ask(1, "tools/call", &good)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "x");
    assert_eq!(of_method(&world, "tools/call").len(), 2);
    let bad = json!({ "name": "get_x", "arguments": { "region": "us" } });
    let answer = world.ask(client.ask(2, "tools/call", &bad)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32603));
    assert_eq!(of_method(&world, "tools/call").len(), 4, "no third try");
}

/// D-55, C-50: whatever the status and code of a modern server's own error, a legacy client gets 200
/// and a code that it knows. An error that is none of MCP's is the same on every way.
#[tokio::test]
async fn d_55_errors_are_answers() {
    for (status_code, code, told) in [
        (404, -32601, -32601),
        (400, -32021, -32600),
        (400, -32022, -32603),
        (200, -32602, -32002),
        (500, -32603, -32603),
    ] {
        let world = world(failed(status_code, code)).await;
        let client = Client::open(&world, "2025-11-25", "{}").await;
        let answer = world.ask(client.ask(1, "resources/read", &json!({ "uri": "a:b" }))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, told), "{code}");
        assert_eq!(answer.json()["id"], 1);
    }
    let world = world(|_| status(503, &[("content-type", "text/html")], "<p>")).await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let answer = world.ask(client.call(1, "get_x")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, -31502));
}

/// Lists are filtered first, then shaped; the server's wish not to be kept is kept.
#[tokio::test]
async fn d_59_lists_are_filtered_and_shaped() {
    let world = world(|request| result(request, &tools())).await;
    let client = Client::open(&world, "2025-03-26", "{}").await;
    for times in 1..3 {
        let answer = world.ask(client.ask(1, "tools/list", &json!({}))).await;
        let told = answer.json();
        let result = told["result"].as_object().unwrap();
        assert_eq!(result.keys().collect::<Vec<_>>(), ["tools"]);
        let names: Vec<&Value> =
            result["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["get_x", "create_y"]);
        assert!(!text(&answer.body).contains("title"), "{:?}", answer.body);
        assert_eq!(of_method(&world, "tools/list").len(), times, "ttlMs is 0");
    }
    let hidden = world.ask(client.call(2, "delete_z")).await;
    assert_eq!((hidden.status.as_u16(), hidden.code()), (200, -32602));
    assert!(of_method(&world, "tools/call").is_empty());
}

/// C-90, C-91, D-56: progress under the client's own token, logs at the level that it set.
#[tokio::test]
async fn d_56_progress_and_logs() {
    let world = world(|request| {
        if request.rpc_method() != "prompts/get" {
            return result(request, &done("x"));
        }
        let (send, events) = mpsc::unbounded_channel();
        let id = request.message()["id"].clone();
        let log = json!({ "method": "notifications/message", "params": { "level": "error" } });
        let news = |token: &Value| {
            let params = json!({ "progressToken": token, "progress": 1 });
            json!({ "method": "notifications/progress", "params": params }).to_string()
        };
        for text in [log.to_string(), news(&id), news(&json!("other"))] {
            send.send(text).unwrap();
        }
        send.send(said(request, &json!({ "messages": [] }))).unwrap();
        stream(events)
    })
    .await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let params = json!({ "name": "p", "_meta": { "progressToken": "mine" } });
    let response = world.sidecar.handle(client.ask(3, "prompts/get", &params).build()).await;
    let mut body = response.into_body();
    let progress = next(&mut body).await;
    assert_eq!(progress["params"], json!({ "progressToken": "mine", "progress": 1 }));
    assert_eq!(next(&mut body).await["result"], json!({ "messages": [] }), "no log was wanted");
    let meta = world.server.requests().pop().unwrap().message()["params"]["_meta"].clone();
    assert!(meta.get("io.modelcontextprotocol/logLevel").is_none());
    let level = client.ask(4, "logging/setLevel", &json!({ "level": "warning" }));
    assert_eq!(world.ask(level).await.json()["result"], json!({}));
    let bad = client.ask(4, "logging/setLevel", &json!({ "level": "loud" }));
    assert_eq!(world.ask(bad).await.code(), -32602);
    let response = world.sidecar.handle(client.ask(5, "prompts/get", &params).build()).await;
    let log = next(&mut response.into_body()).await;
    assert_eq!(log["params"], json!({ "level": "error" }));
    let meta = world.server.requests().pop().unwrap().message()["params"]["_meta"].clone();
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "warning");
}
