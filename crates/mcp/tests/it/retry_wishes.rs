//! How soon a server wants its clients back: one that says `retry: 0` was asked hundreds of times in a
//! second.

use http::Method;
use serde_json::json;

use crate::sessions::{open, sessions};
use crate::support::{Log, World, event_id, events, get, legacy, modern, text, without_ids};

/// Answers to POSTs of both eras, standing streams and resumed ones.
#[tokio::test]
async fn no_client_is_told_to_come_back_at_once() {
    let log = Log::start();
    let world = World::new(|request| {
        let message = request.message();
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
        match (&request.method, request.rpc_method().as_str()) {
            (&Method::GET, _) => events("id: e-1\nretry: 0\ndata: \n\n"),
            (_, "tools/call" | "ping" | "tools/list") => events(&format!(
                "id: e-1\nretry:0\ndata: \n\ndata: {answer}\nretry: 9999999999\n\n"
            )),
            _ => sessions(request),
        }
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let stream = get("/mcp").header("accept", "text/event-stream").bearer(&token);
    let stream = stream.header("mcp-session-id", &session);
    let standing = world.ask(stream.clone()).await;
    assert_eq!(without_ids(text(&standing.body)), "id: *\nretry: 250\ndata: \n\n");
    let resumed = world.ask(stream.header("last-event-id", &event_id(&standing))).await;
    assert!(text(&resumed.body).ends_with("retry: 250\ndata: \n\n"), "{resumed:?}");
    let call = json!({ "name": "get_x" });
    for ask in [
        legacy("tools/call", &call).header("mcp-session-id", &session),
        legacy("ping", &json!({})).header("mcp-session-id", &session),
        modern("tools/call", &call),
    ] {
        let answer = world.ask(ask.bearer(&token)).await;
        let told = text(&answer.body);
        let retries: Vec<_> = told.lines().filter(|line| line.starts_with("retry")).collect();
        assert_eq!(retries, ["retry: 250", "retry: 3600000"], "{told}");
    }
    let lines = log.lines("mcp.stream.retry_changed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["default", "wished_ms=0", "told_ms=250"] {
        assert!(lines[0].contains(part), "{lines:?}");
    }
}
