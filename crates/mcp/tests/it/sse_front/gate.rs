//! Who gets to the old endpoint, and to what: tokens, hosts, origins and the policy.

use http::Method;
use serde_json::json;

use super::{SSE, Stream, call, initialize, token, world};
use crate::sessions::sessions;
use crate::support::{Ask, RESOURCE, Token, get, json as in_json, post};

/// RI: the URL is a resource of its own, and the server takes tokens for either.
#[tokio::test]
async fn its_own_metadata_challenge_and_audience() {
    let world = world(sessions).await;
    for ask in [get("/sse"), post("{}").at("/sse/messages?stream=x")] {
        let answer = world.ask(ask.clone()).await;
        assert_eq!(answer.status, 401);
        let metadata =
            "resource_metadata=\"https://gate.example/.well-known/oauth-protected-resource/sse\"";
        assert!(answer.challenge().contains(metadata), "{}", answer.challenge());
        assert_eq!(world.ask(ask.bearer("nonsense")).await.status, 401);
    }
    for path in
        ["/.well-known/oauth-protected-resource/sse", "/sse/.well-known/oauth-protected-resource"]
    {
        assert_eq!(world.ask(get(path)).await.json()["resource"], SSE);
    }
    let at_mcp = crate::support::legacy("ping", &json!({}));
    for audience in [SSE, RESOURCE] {
        let token = Token::new("mcp:read").claim("aud", audience).sign(&world.authority.key());
        Stream::open(&world, &token).await;
        assert_eq!(world.ask(at_mcp.clone().bearer(&token)).await.status, 400, "the server's word");
    }
    let other = Token::new("mcp:read").claim("aud", "https://gate.example/mcp/sse");
    assert_eq!(
        world.ask(get("/sse").bearer(&other.sign(&world.authority.key()))).await.status,
        401
    );
}

/// Host and Origin come first here, too, and web pages may ask beforehand.
#[tokio::test]
async fn the_gate_is_the_same() {
    let world = world(sessions).await;
    let token = token(&world, "mcp:read");
    let foreign = get("/sse").bearer(&token).header("origin", "https://evil.example");
    assert_eq!(world.ask(foreign).await.status, 403);
    let preflight = Ask::new(Method::OPTIONS, "/sse/messages?stream=x")
        .header("origin", "https://gate.example")
        .header("access-control-request-method", "POST");
    assert_eq!(world.ask(preflight).await.status, 204);
    for (method, path, status) in [
        (Method::POST, "/sse", 405),
        (Method::DELETE, "/sse", 405),
        (Method::GET, "/sse/messages?stream=x", 405),
        (Method::GET, "/sse/other", 404),
    ] {
        let answer = world.ask(Ask::new(method, path).bearer(&token)).await;
        assert_eq!(answer.status, status, "{path}");
    }
    assert!(!world.sidecar.serves("/ssex"));
    assert!(world.server.requests().is_empty());
}

/// G-20, D-62: the handle is no authentication. Who holds another's gets nowhere.
#[tokio::test]
async fn g_20_a_stream_is_its_principals() {
    let world = world(sessions).await;
    let stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let ask = |token: &str| {
        stream.post(&initialize()).instead("authorization", &format!("Bearer {token}"))
    };
    assert_eq!(world.ask(ask(&other)).await.status, 404);
    assert_eq!(world.ask(stream.post(&initialize()).without("authorization")).await.status, 401);
    let mut changed = stream.endpoint.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    for path in ["/sse/messages", "/sse/messages?stream=", "/sse/messages?stream=1", &changed] {
        assert_eq!(world.ask(stream.post(&initialize()).at(path)).await.status, 404, "{path}");
    }
    assert!(world.server.requests().is_empty());
    // Another token of the same principal will do: clients refresh.
    let newer = Token::new("mcp:read").claim("jti", "jti_2").sign(&world.authority.key());
    assert_eq!(world.ask(ask(&newer)).await.status, 202);
}

/// Policy, forms and errors are those of the MCP endpoint; the answer is on the stream.
#[tokio::test]
async fn the_policy_is_the_same() {
    let world = world(|request| {
        if request.rpc_method() != "tools/list" {
            return sessions(request);
        }
        let tools = json!([{ "name": "get_x" }, { "name": "run_x" }, { "name": "drop_x" }]);
        let result = json!({ "tools": tools });
        in_json(
            &json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": result })
                .to_string(),
        )
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    for (tool, code) in [("drop_x", -32602), ("create_x", -31403)] {
        stream.send(&world, &call(3, tool)).await;
        let answer = stream.next().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(code)), "{tool}");
    }
    stream.send(&world, &json!({ "jsonrpc": "2.0", "id": 4, "method": "tools/list" })).await;
    assert_eq!(stream.next().await["result"]["tools"], json!([{ "name": "get_x" }]));
    assert_eq!(world.server.requests().len(), 2);
    for (ask, status) in [
        (stream.post(&json!("no message")), 400),
        (stream.post(&initialize()).instead("content-type", "text/plain"), 415),
        (stream.post(&json!({ "jsonrpc": "2.0", "method": "tools/call" })), 400),
    ] {
        assert_eq!(world.ask(ask).await.status, status);
    }
    stream.send(&world, &initialize()).await;
    assert_eq!(stream.next().await["error"]["code"], -32600, "one stream, one session");
}
