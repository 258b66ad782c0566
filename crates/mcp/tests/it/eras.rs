//! Headers that mirror the body, through the whole sidecar.

use serde_json::json;

use crate::support::{World, echo, legacy, modern, status, text};

/// T-MCP-46, C-52: refused before anything is forwarded, with the id of the request.
#[tokio::test]
async fn t_mcp_46_mirrors_that_lie() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let call = || modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    for ask in [
        call().instead("mcp-name", "run_x"),
        call().instead("mcp-name", "=?base64?cnVuX3g=?="),
        call().without("mcp-name"),
        call().header("mcp-name", "get_x"),
        call().instead("mcp-method", "ping"),
        call().without("mcp-method"),
        call().without("mcp-protocol-version"),
        call().instead("mcp-protocol-version", "2025-11-25"),
    ] {
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32020));
        assert_eq!(answer.json()["id"], 7);
    }
    assert!(world.server.requests().is_empty());
    assert_eq!(world.ask(call().instead("mcp-name", "=?base64?Z2V0X3g=?=")).await.status, 200);
    let sent = world.server.request();
    assert_eq!(sent.header("mcp-name"), "=?base64?Z2V0X3g=?=", "as it was sent");
}

/// C-13: white space around a value means nothing, the case of its letters does.
#[tokio::test]
async fn c_13_how_mirrors_are_compared() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let call = || modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    for spaced in [
        call().instead("mcp-name", " \tget_x \t"),
        call().instead("mcp-method", " tools/call "),
        call().instead("mcp-protocol-version", "\t2026-07-28"),
    ] {
        assert_eq!(world.ask(spaced).await.status, 200);
    }
    for other in [call().instead("mcp-name", "Get_x"), call().instead("mcp-method", "Tools/call")] {
        let answer = world.ask(other).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32020));
    }
}

/// The header never decides: a permitted name there does not help a forbidden one in the body.
#[tokio::test]
async fn t_mcp_46_the_body_decides() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ask = modern("tools/call", &json!({ "name": "run_x" })).bearer(&token);
    let answer = world.ask(ask.instead("mcp-name", "get_x")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32020));
    let ask = legacy("tools/call", &json!({ "name": "run_x" })).bearer(&token);
    let answer = world.ask(ask.header("mcp-name", "get_x")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600), "D-23");
    assert!(world.server.requests().is_empty());
}

/// T-MCP-47: what is no revision at all is refused here; a later one is the server's to judge.
#[tokio::test]
async fn t_mcp_47_unknown_revisions() {
    let unsupported = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32022,"message":"unsupported"}}"#;
    let world =
        World::new(move |_| status(400, &[("content-type", "application/json")], unsupported))
            .await;
    let token = world.token("mcp:read");
    for version in ["banana", "1999-01-01", "2025-11-26"] {
        let ask = legacy("ping", &json!({})).instead("mcp-protocol-version", version);
        let answer = world.ask(ask.bearer(&token)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600), "{version}");
    }
    let without_meta = legacy("ping", &json!({})).instead("mcp-protocol-version", "2026-07-28");
    assert_eq!(world.ask(without_meta.bearer(&token)).await.code(), -32602);
    assert!(world.server.requests().is_empty());
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "server/discover", "params": {
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2027-01-01" } } });
    let later = crate::support::post(&body.to_string())
        .header("mcp-protocol-version", "2027-01-01")
        .header("mcp-method", "server/discover");
    let answer = world.ask(later.bearer(&token)).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (400, unsupported));
}

/// D-23: a modern probe in front of a legacy server gets that server's own words.
#[tokio::test]
async fn probes_pass_through() {
    let world = World::new(|_| status(400, &[("content-type", "text/plain")], "no session")).await;
    let probe = modern("server/discover", &json!({})).bearer(&world.token("mcp:read"));
    let answer = world.ask(probe).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (400, "no session"));
}

/// Notifications and answers to the server's own questions pass for any valid token.
#[tokio::test]
async fn what_a_client_says_unasked() {
    let world = World::new(|_| status(202, &[], "")).await;
    let token = world.token("");
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":"s1","result":{"action":"accept"}}"#,
        r#"{"jsonrpc":"2.0","id":"s1","error":{"code":-1,"message":"no"}}"#,
    ] {
        let ask = crate::support::post(body).header("mcp-protocol-version", "2025-11-25");
        assert_eq!(world.ask(ask.bearer(&token)).await.status, 202, "{body}");
    }
}
