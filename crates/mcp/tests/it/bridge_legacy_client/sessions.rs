//! Sessions that only the sidecar knows.

use serde_json::{Value, json};

use super::script::{ABLE, Client, done, initialize, of_method, result, world};
use crate::support::{Token, legacy};

/// D-50, D-08: answered from what the server says of itself, in legacy words.
#[tokio::test]
async fn d_50_initialize() {
    let world = world(|request| result(request, &json!({}))).await;
    let token = world.token("mcp:read");
    for (asked, agreed) in
        [("2025-06-18", "2025-06-18"), ("2024-11-05", "2024-11-05"), ("2026-07-28", "2025-11-25")]
    {
        let answer = world.ask(initialize(asked, "{}").bearer(&token)).await;
        let told = answer.json();
        let expected = json!({
            "protocolVersion": agreed,
            "capabilities": {
                "tools": { "listChanged": true },
                "resources": { "subscribe": true, "listChanged": false },
            },
            "serverInfo": { "name": "behind", "version": "3" },
            "instructions": "be kind",
        });
        assert_eq!((&told["id"], &told["result"]), (&json!(0), &expected));
        let session = answer.header("mcp-session-id");
        assert!(session.bytes().all(|b| (0x21..=0x7e).contains(&b)) && session.len() > 40);
    }
    let asked = of_method(&world, "server/discover");
    assert_eq!(asked.len(), 1, "kept as long as the server says");
    assert_eq!(asked[0].header("mcp-method"), "server/discover");
    assert_eq!(asked[0].header("mcp-protocol-version"), "2026-07-28");
    assert!(!asked[0].headers.contains_key("mcp-session-id"));
    let meta = &asked[0].message()["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
    assert_eq!(
        meta["io.modelcontextprotocol/clientInfo"],
        json!({ "name": "old", "version": "1" })
    );
    world.clock.advance_seconds(61);
    world.ask(initialize("2025-06-18", "{}").bearer(&token)).await;
    assert_eq!(of_method(&world, "server/discover").len(), 2);
}

/// D-01, D-50, D-56: what a client says of its session stays here.
#[tokio::test]
async fn d_56_what_is_answered_here() {
    let world = world(|request| result(request, &json!({}))).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let asked = world.server.requests().len();
    for method in ["notifications/initialized", "notifications/roots/list_changed"] {
        let answer = world.ask(client.say(&json!({ "jsonrpc": "2.0", "method": method }))).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    }
    let answer = world.ask(client.ask(1, "ping", &json!({}))).await;
    assert_eq!(answer.json(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!(answer.header("mcp-session-id"), client.session);
    // D-55: methods of other revisions are unknown, and that is not the end of the session.
    for method in ["server/discover", "subscriptions/listen", "tasks/list", "no/such"] {
        let answer = world.ask(client.ask(2, method, &json!({}))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, -32601), "{method}");
    }
    let without = legacy("tools/list", &json!({})).bearer(&client.token);
    let answer = world.ask(without).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600), "no session");
    assert_eq!(world.server.requests().len(), asked, "the server heard nothing of it");
}

/// T-MCP-45, G-20: possession of the id is no proof. D-01: an ended session is unknown.
#[tokio::test]
async fn t_mcp_45_sessions_are_their_principals() {
    let world = world(|request| result(request, &done("x"))).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let thief = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let thief = Client { token: thief, ..client.clone() };
    for ask in [thief.call(1, "get_x"), thief.listen(), thief.end()] {
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, -31404));
    }
    assert_eq!(world.ask(client.call(1, "get_x")).await.status, 200, "still there");
    assert_eq!(world.ask(client.end()).await.status, 204);
    assert_eq!(world.ask(client.call(1, "get_x")).await.status, 404);
    let other = Client::open(&world, "2025-11-25", ABLE).await;
    assert_eq!(world.ask(other.call(1, "get_x")).await.status, 200);
}

/// The session travels in its id, so a replica that never heard of it serves it.
#[tokio::test]
async fn any_replica_serves_a_session() {
    let world = world(|request| result(request, &done("x"))).await;
    let client = Client::open(&world, "2025-06-18", ABLE).await;
    let replica =
        world.replica_with(|config| config.servers[0].upstream.eras = mcp::EraChoice::Modern);
    let answer = replica.handle(client.call(5, "get_x").build()).await;
    let answer = crate::support::Answer::read(answer).await;
    let expected = json!([{ "type": "text", "text": "x" }]);
    assert_eq!(answer.json()["result"], json!({ "content": expected }));
    let asked = world.server.requests().pop().unwrap().message();
    let declared = &asked["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*declared, json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} }));
    assert_ne!(asked["id"], Value::from(5), "our own id");
}
