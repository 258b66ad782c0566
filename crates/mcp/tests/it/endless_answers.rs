//! N21: what a server says without end, and what is kept of that while it is waited for.

use std::sync::Mutex;

use mcp::EraChoice;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{
    Answer, Recorded, SOON, World, echo, json as json_reply, legacy, modern, open_events, status,
    text,
};

/// Asks a server that says this again and again, and then leaves its stream open.
async fn asked(method: &str, again: &'static str) -> Answer {
    let open = Mutex::new(Vec::new());
    let reply = move |_: &_| {
        let (server, events) = mpsc::unbounded_channel();
        for _ in 0..20_000 / again.len() {
            server.send(again).unwrap();
        }
        open.lock().unwrap().push(server);
        open_events(events)
    };
    let world = World::with(reply, |config| config.limits.list_bytes = 10_000).await;
    let params = json!({ "protocolVersion": "2025-11-25" });
    let ask = legacy(method, &params).bearer(&world.token("mcp:read"));
    tokio::time::timeout(SOON, world.ask(ask)).await.unwrap()
}

/// However small the events are, a server that waits for nothing does not fill our memory.
#[tokio::test]
async fn what_comes_before_an_answer_is_bounded() {
    for method in ["tools/list", "initialize"] {
        for again in [": comment\n\n", "\n", "id: 1\n\n", "event: ping\ndata: x\n\n"] {
            let answer = asked(method, again).await;
            let status = (answer.status.as_u16(), answer.code());
            assert_eq!(status, (502, -31502), "{method} {again:?}: {answer:?}");
            assert!(!text(&answer.body).contains("comment"), "{method} {again:?}");
        }
    }
}

/// Messages wait for the answer to `initialize`, too.
#[tokio::test]
async fn messages_before_a_session_are_bounded() {
    let news = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let answer = asked("initialize", news).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{answer:?}");
}

/// What a server says of itself is kept with each session, so it is no book.
#[tokio::test]
async fn what_is_kept_of_a_server_is_bounded() {
    for (length, expected) in [(1 << 19, 200), (1 << 20, 502)] {
        let opened = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "prompts": {} },
            "instructions": "x".repeat(length),
        });
        let reply = move |request: &Recorded| {
            let id = request.message()["id"].clone();
            match request.rpc_method().as_str() {
                "initialize" => {
                    json_reply(&json!({ "jsonrpc": "2.0", "id": id, "result": opened }).to_string())
                }
                "notifications/initialized" => status(202, &[], ""),
                _ => echo(request),
            }
        };
        let world =
            World::with(reply, |config| config.servers[0].upstream.eras = EraChoice::Legacy).await;
        let ask = modern("prompts/list", &json!({})).bearer(&world.token("mcp:read"));
        let answer = world.ask(ask).await;
        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
}
