//! Which calls pass.

use serde_json::json;

use crate::support::{Token, World, echo, legacy, modern, post};

/// T-MCP-27: everything that is missing is named at once, with what is held for a legacy client,
/// which replaces its scopes by those of a challenge (B-12).
#[tokio::test]
async fn t_mcp_27_a_grant_of_more_scope_would_help() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let call = json!({ "name": "create_request", "arguments": {} });
    for (ask, scope) in [
        (legacy("tools/call", &call), "mcp:read mcp:write"),
        (modern("tools/call", &call), "mcp:write"),
    ] {
        let answer = world.ask(ask.bearer(&token)).await;
        assert_eq!(answer.status, 403);
        let challenge = answer.challenge();
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("resource_metadata=\"https://gate.example/"), "{challenge}");
        assert!(challenge.ends_with(&format!("scope=\"{scope}\"")), "{challenge}");
        assert_eq!(answer.json()["id"], 7);
        // C2: apps that cannot ask again show this to their person.
        let words = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(words.starts_with("this needs the scope mcp:write; "), "{words}");
        assert!(words.ends_with("disconnect it, connect it again and allow it"), "{words}");
    }
    assert!(world.server.requests().is_empty());
    let granted = modern("tools/call", &call).bearer(&world.token("mcp:read mcp:write"));
    assert_eq!(world.ask(granted).await.status, 200);
}

/// B-16: what no grant could open is unknown, in both eras with the same words as a tool that
/// does not exist.
#[tokio::test]
async fn t_mcp_27_what_nobody_can_grant_is_unknown() {
    let world = World::new(echo).await;
    // A basic user can never hold mcp:process_admin, and mcp:admin is above the ceiling.
    let token = Token::new("mcp:read mcp:write mcp:process_admin mcp:admin");
    let basic = token.sign(&world.authority.key());
    let administrator = token.claim("user_type", "administrator").sign(&world.authority.key());
    for (token, tool) in [
        (&basic, "run_process"),
        (&basic, "delete_everything"),
        (&administrator, "delete_everything"),
    ] {
        for ask in [
            legacy("tools/call", &json!({ "name": tool })),
            modern("tools/call", &json!({ "name": tool })),
        ] {
            let answer = world.ask(ask.bearer(token)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602), "{tool}");
            assert_eq!(answer.json()["error"]["message"], format!("Unknown tool: {tool}"));
            assert_eq!(answer.challenge(), "");
        }
    }
    assert!(world.server.requests().is_empty());
    let run = legacy("tools/call", &json!({ "name": "run_process" })).bearer(&administrator);
    assert_eq!(world.ask(run).await.status, 200);
}

#[tokio::test]
async fn methods_need_what_they_need() {
    let world = World::new(echo).await;
    let nothing = world.token("");
    let reader = world.token("mcp:read");
    let open = ["initialize", "ping", "logging/setLevel", "server/discover", "tools/list"];
    for method in open {
        let answer = world.ask(legacy(method, &json!({})).bearer(&nothing)).await;
        assert_eq!(answer.status, 200, "{method}");
    }
    let reading = [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "resources/subscribe",
        "resources/unsubscribe",
        "completion/complete",
        "subscriptions/listen",
    ];
    for method in reading {
        let ask = || legacy(method, &json!({ "name": "p", "uri": "demo://x" }));
        let refused = world.ask(ask().bearer(&nothing)).await;
        assert_eq!(refused.status, 403, "{method}");
        assert!(refused.challenge().ends_with("scope=\"mcp:read\""), "{method}");
        assert_eq!(world.ask(ask().bearer(&reader)).await.status, 200, "{method}");
    }
}

/// Unknown methods are refused here, and `tasks/list`: what nobody judged does not pass.
#[tokio::test]
async fn unknown_methods_do_not_pass() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read mcp:write");
    let unknown = [
        "tasks/list",
        "tools/call/",
        "Tools/Call",
        "tools/call ",
        "",
        "sampling/createMessage",
        "notifications/initialized",
        "rpc.discover",
    ];
    for method in unknown {
        let old = world.ask(legacy(method, &json!({ "name": "get_x" })).bearer(&token)).await;
        assert_eq!((old.status.as_u16(), old.code()), (200, -32601), "{method:?}");
        let ask = post(
            &json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": {
            "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } } })
            .to_string(),
        );
        let ask = ask.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        if method != "tools/call " {
            let new = world.ask(ask.bearer(&token)).await;
            assert_eq!((new.status.as_u16(), new.code()), (404, -32601), "{method:?}");
        }
    }
    let without_id =
        json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "get_x" } });
    let answer = world.ask(post(&without_id.to_string()).bearer(&token)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600));
    assert!(world.server.requests().is_empty());
}

/// What a second parser could read as another tool never arrives there.
#[tokio::test]
async fn t_mcp_46_ambiguous_bodies_are_refused() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    for body in [
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_x","name":"run_x"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_x","Name":"run_x"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call","params":{"name":"run_x"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","METHOD":"tools/call","params":{"name":"run_x"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_x"},"params":{"name":"run_x"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["run_x"]}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping"}{"jsonrpc":"2.0","id":8,"method":"tools/call"}"#,
    ] {
        let answer = world.ask(post(body).bearer(&token)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert!(world.server.requests().is_empty());
}

#[tokio::test]
async fn a_call_names_its_tool() {
    let world = World::new(echo).await;
    let answer = world.ask(legacy("tools/call", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602));
}
