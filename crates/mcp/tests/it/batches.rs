//! JSON-RPC batches, which only 2025-03-26 knows.

use serde_json::json;

use crate::sessions::{open, sessions};
use crate::support::{Ask, World, post};

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

/// D-60: one that may not pass keeps all back.
#[tokio::test]
async fn each_message_is_judged() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-03-26").await;
    let asked = world.server.requests().len();
    let call = |tool: &str| {
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": tool } })
            .to_string()
    };
    for (element, status, code) in [
        (call("run_process"), 200, -32602),
        (call("create_x"), 403, -31403),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_owned(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":2,"method":"initialize"}"#.to_owned(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tasks/get"}"#.to_owned(), 200, -32601),
        (
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"get_x"}}"#.to_owned(),
            400,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":2,"method":"ping","method":"x"}"#.to_owned(), 400, -32600),
        (format!("[{PING}]"), 400, -32600),
    ] {
        let answer = world.ask(batch(&token, &session, &format!("[{PING},{element}]"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{element}");
    }
    let mirrored = batch(&token, &session, &format!("[{PING}]")).header("mcp-method", "ping");
    assert_eq!(world.ask(mirrored).await.status, 400);
    assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
    let good = format!("[{PING},{}]", call("get_x"));
    assert_eq!(world.ask(batch(&token, &session, &good)).await.status, 200);
}
