//! What comes before everything: Host, Origin, preflight, and the bare challenge.

use http::Method;
use protocol::{Scope, Scopes};
use serde_json::json;

use crate::support::{Ask, METADATA, World, echo, get, legacy, post, server};

/// T-MCP-26: any method and any path below the server's, before anything else is judged.
#[tokio::test]
async fn t_mcp_26_no_token_is_always_a_bare_challenge() {
    let world = World::new(echo).await;
    let method =
        |name: &str, path: &str| Ask::new(Method::from_bytes(name.as_bytes()).unwrap(), path);
    let expected = format!(
        "Bearer resource_metadata=\"{METADATA}\", scope=\"mcp:read mcp:write mcp:process_admin\""
    );
    for name in ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "PROPFIND"] {
        for path in ["/mcp", "/mcp/", "/mcp/unknown", "/mcp/sse", "/mcp/..", "/mcp?x=1"] {
            let answer = world.ask(method(name, path)).await;
            assert_eq!(answer.status, 401, "{name} {path}");
            assert_eq!(answer.challenge(), expected, "{name} {path}");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    let odd = [
        post("not json").instead("content-type", "text/plain"),
        legacy("ping", &json!({})).instead("mcp-protocol-version", "banana"),
        get("/mcp").header("mcp-protocol-version", "2024-11-05"),
        post(&"x".repeat(5 << 20)),
    ];
    for ask in odd {
        assert_eq!(world.ask(ask).await.challenge(), expected);
    }
    assert!(world.server.requests().is_empty());
}

#[tokio::test]
async fn t_mcp_26_preflight_only_for_configured_origins() {
    let world = World::new(echo).await;
    let preflight = |origin: &str| {
        Ask::new(Method::OPTIONS, "/mcp")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, mcp-param-Region, x-evil")
    };
    let answer = world.ask(preflight("https://gate.example")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://gate.example");
    let headers = answer.header("access-control-allow-headers");
    assert!(headers.contains("mcp-session-id") && headers.contains("mcp-param-Region"));
    assert!(!headers.contains("x-evil"));
    for other in ["https://evil.example", "null", "https://gate.example.evil.example"] {
        let answer = world.ask(preflight(other)).await;
        assert_eq!(answer.status, 403, "{other}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

/// HD: a page must be able to read the challenge, or it cannot begin to authorize.
#[tokio::test]
async fn refusals_are_readable_for_allowed_pages() {
    let world = World::new(echo).await;
    let page = |ask: Ask| ask.header("origin", "https://gate.example");
    let call =
        legacy("tools/call", &json!({ "name": "create_x" })).bearer(&world.token("mcp:read"));
    for (ask, status) in [(page(legacy("ping", &json!({}))), 401), (page(call), 403)] {
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://gate.example");
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Mcp-Session-Id"));
        assert_eq!(answer.header("vary"), "Origin");
    }
}

/// T-MCP-31, T-MCP-32: names that are not ours.
#[tokio::test]
async fn t_mcp_31_t_mcp_32_other_hosts() {
    let world = World::new(echo).await;
    let ping = || legacy("ping", &json!({})).bearer(&world.token("mcp:read"));
    for (host, status) in [
        ("gate.example", 200),
        ("GATE.example:8443", 200),
        ("localhost:8787", 200),
        ("evil.example.com", 421),
        ("gate.example.evil.example", 421),
        ("evil.example:gate.example", 421),
        ("", 421),
    ] {
        assert_eq!(world.ask(ping().instead("host", host)).await.status, status, "{host:?}");
    }
    assert_eq!(world.ask(ping().without("host")).await.status, 400);
    assert_eq!(world.ask(ping().header("host", "gate.example")).await.status, 400, "two");
    let absolute = world.ask(ping().at("http://evil.example/mcp")).await;
    assert_eq!(absolute.status, 421, "the target of an absolute form counts as well");
    assert_eq!(world.ask(ping().at("http://gate.example/mcp")).await.status, 200);
}

/// T-MCP-33: a foreign page changes nothing, not even with a good token.
#[tokio::test]
async fn t_mcp_33_origin_comes_first() {
    let world = World::new(echo).await;
    let initialize = legacy("initialize", &json!({})).bearer(&world.token("mcp:read"));
    for origin in ["https://evil.example", "null", "http://gate.example", "HTTPS://GATE.EXAMPLE"] {
        let answer = world.ask(initialize.clone().header("origin", origin)).await;
        assert_eq!((answer.status.as_u16(), answer.challenge()), (403, ""), "{origin}");
    }
    let two = initialize.header("origin", "https://gate.example");
    let two = two.header("origin", "https://gate.example");
    assert_eq!(world.ask(two).await.status, 403);
    assert!(world.server.requests().is_empty());
    let keys = world.authority.key_questions.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(keys, 0, "the token was not even looked at");
}

/// T-MCP-34, T-MCP-38: what forwarding headers claim changes nothing.
#[tokio::test]
async fn t_mcp_34_t_mcp_38_forwarding_headers_have_no_effect() {
    let world = World::new(echo).await;
    let claims = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-forwarded-uri", "/mcp/health"),
        ("x-original-url", "/mcp/health"),
        ("x-rewrite-url", "/mcp/health"),
    ];
    let claiming = |ask: Ask| claims.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    let bare = world.ask(claiming(legacy("ping", &json!({})))).await;
    assert_eq!(bare.status, 401);
    assert!(bare.challenge().contains(METADATA));
    let good = claiming(legacy("ping", &json!({})).bearer(&world.token("mcp:read")));
    assert_eq!(world.ask(good).await.status, 200);
    let sent = world.server.request();
    assert!(claims.iter().all(|(name, _)| !sent.headers.contains_key(*name)));
}

/// T-MCP-39: odd spellings of the path reach neither the upstream nor another decision.
#[tokio::test]
async fn t_mcp_39_path_tricks() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    for path in ["//mcp", "/MCP", "/mcp.", "/mcp;x", "/mcp%2f..", "/mcpx", "/", "/admin"] {
        assert!(!world.sidecar.serves(path), "{path}");
        let answer = world.ask(legacy("ping", &json!({})).bearer(&token).at(path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    for path in ["/mcp/../admin", "/mcp/%2e%2e/admin", "/mcp//", "/mcp/x/health"] {
        assert!(world.sidecar.serves(path), "{path}");
        assert_eq!(world.ask(legacy("ping", &json!({})).at(path)).await.status, 401, "{path}");
        let answer = world.ask(legacy("ping", &json!({})).bearer(&token).at(path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(world.server.requests().is_empty());
    let slash = legacy("ping", &json!({})).bearer(&token).at("/mcp/");
    assert_eq!(world.ask(slash).await.status, 200);
}

#[tokio::test]
async fn other_methods_are_405_with_a_token() {
    let world = World::new(echo).await;
    let answer = world.ask(Ask::new(Method::PUT, "/mcp").bearer(&world.token("mcp:read"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, POST, DELETE"));
}

/// A token is for one server; a neighbour on the same host refuses it.
#[tokio::test]
async fn servers_do_not_share_tokens() {
    let world = World::with(echo, |config| {
        let upstream = config.servers[0].upstream.url.clone();
        config.servers.push(server("hr", "/mcp/hr", upstream));
        config.servers[1].ceiling = Scopes::of(&[Scope::Read]);
    })
    .await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({})).bearer(&token);
    assert_eq!(world.ask(ping()).await.status, 200);
    let answer = world.ask(ping().at("/mcp/hr")).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("/oauth-protected-resource/mcp/hr\""));
    assert!(answer.challenge().ends_with("scope=\"mcp:read\""));
}
