//! What the upstream gets, and what the client gets back.

use http::HeaderName;
use kernel::Redacted;
use mcp::UpstreamAuth;
use serde_json::json;

use crate::support::{Token, World, echo, legacy, modern, post, status, text};

/// T-MCP-41: no token, no cookies, nothing that says who calls but what we say.
#[tokio::test]
async fn t_mcp_41_nothing_of_the_client_leaks() {
    let world = World::with(echo, |config| {
        config.servers[0].upstream.auth = UpstreamAuth::Header {
            name: HeaderName::from_static("x-wicketgate-key"),
            value: Redacted::new("shared secret"),
        };
    })
    .await;
    let token = world.token("mcp:read");
    let ask = legacy("ping", &json!({}))
        .bearer(&token)
        .header("cookie", "session=1")
        .header("proxy-authorization", "Basic eDp5")
        .header("x-api-key", "k")
        .header("x-forwarded-user", "root")
        .header("x_forwarded_user", "root")
        .header("x-wicketgate-subject", "sub_root")
        .header("x-wicketgate-username", "admin")
        .header("x-wicketgate-key", "guess")
        .header("x-custom", "1")
        .header("te", "trailers")
        .header("upgrade", "websocket")
        .header("traceparent", "00-a-b-01")
        .header("user-agent", "test/1");
    assert_eq!(world.ask(ask).await.status, 200);
    let sent = world.server.request();
    let mut names: Vec<_> = sent.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "mcp-protocol-version",
            "traceparent",
            "user-agent",
            "x-wicketgate-client",
            "x-wicketgate-grant",
            "x-wicketgate-key",
            "x-wicketgate-scopes",
            "x-wicketgate-subject",
            "x-wicketgate-user-type",
        ]
    );
    assert_eq!(sent.header("x-wicketgate-subject"), "sub_1");
    assert_eq!(sent.header("x-wicketgate-user-type"), "basic");
    assert_eq!(sent.header("x-wicketgate-scopes"), "mcp:read");
    assert_eq!(sent.header("x-wicketgate-client"), "cl_1");
    assert_eq!(sent.header("x-wicketgate-grant"), "grt_1");
    assert_eq!(sent.header("x-wicketgate-key"), "shared secret");
    assert!(world.server.uri().authority().unwrap().as_str() == sent.header("host"));
    assert!(!format!("{sent:?}").contains(&token));
}

/// T-MCP-41: the organization is the token's, whatever the client says, and in a form that a header
/// can carry.
#[tokio::test]
async fn t_mcp_41_the_organization_is_the_tokens() {
    let world = World::new(echo).await;
    let sent_for = async |token: Token| {
        let token = token.sign(&world.authority.key());
        let ask = legacy("ping", &json!({})).bearer(&token);
        let ask = ask.header("x-wicketgate-organization", "Elsewhere");
        assert_eq!(world.ask(ask).await.status, 200);
        world.server.requests().pop().unwrap().headers
    };
    let token = || Token::new("mcp:read");
    let none = sent_for(token()).await;
    assert!(!none.contains_key("x-wicketgate-organization"), "{none:?}");
    for (organization, sent) in [
        ("Northwind", "Northwind"),
        ("Müller & Söhne", "M%C3%BCller & S%C3%B6hne"),
        ("a\r\nb: c", "a%0D%0Ab: c"),
    ] {
        let headers = sent_for(token().claim("organization", organization)).await;
        let all: Vec<_> = headers.get_all("x-wicketgate-organization").iter().collect();
        assert_eq!(all, [sent], "{organization:?}");
        assert!(!headers.contains_key("b"));
    }
}

/// T-MCP-37: `Connection` cannot take our own headers away, and what it names ends here.
#[tokio::test]
async fn t_mcp_37_connection_strips_nothing_of_ours() {
    let world = World::new(echo).await;
    let ask = legacy("ping", &json!({}))
        .bearer(&world.token("mcp:read"))
        .header("connection", "Authorization, X-Wicketgate-Subject, traceparent, keep-alive")
        .header("traceparent", "00-a-b-01");
    assert_eq!(world.ask(ask).await.status, 200);
    let sent = world.server.request();
    assert_eq!(sent.header("x-wicketgate-subject"), "sub_1");
    assert!(!sent.headers.contains_key("traceparent"));
    assert!(!sent.headers.contains_key("connection"));
}

/// T-MCP-40: the request goes to the configured URL and nowhere else.
#[tokio::test]
async fn t_mcp_40_the_target_is_fixed() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    for path in ["/mcp?x=../../admin", "/mcp?resource=http://evil.example", "/mcp/"] {
        world.ask(legacy("ping", &json!({})).bearer(&token).at(path)).await;
    }
    let call = legacy("tools/call", &json!({ "name": "get_../../admin" }));
    world.ask(call.bearer(&token)).await;
    assert!(world.server.requests().iter().all(|sent| sent.uri == "/upstream/mcp"));
    assert_eq!(world.server.requests().len(), 4);
}

#[tokio::test]
async fn bodies_pass_byte_for_byte_both_ways() {
    const QUESTION: &str = concat!(
        "{\"params\" : {\"future\":{\"b\":1.0,\"a\":12345678901234567890123},\n",
        "\"name\":\"get_\\u0078\",\"arguments\":{\"name\":\"run_x\",\"n\":1e400}},",
        "\"id\":\"\\u00e9\",\"x-vendor\":[null],\"method\":\"tools\\/call\",\"jsonrpc\":\"2.0\"}"
    );
    const ANSWER: &str = "{ \"result\":{\"z\":1.0,\"a\":98765432109876543210,\"a\":2},\"id\":\"é\",\"jsonrpc\":\"2.0\"}\n";
    let world = World::new(|_| crate::support::json(ANSWER)).await;
    let answer = world.ask(post(QUESTION).bearer(&world.token("mcp:read"))).await;
    assert_eq!(text(&answer.body), ANSWER);
    assert_eq!(text(&world.server.request().body), QUESTION);
}

#[tokio::test]
async fn only_harmless_headers_come_back() {
    let world = World::new(|_| {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("mcp-protocol-version", "2025-11-25"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Bearer realm=\"inside\""),
            ("server", "inside/1.0"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "public"),
            ("location", "http://inside/"),
            ("mcp-session-id", "inside"),
        ];
        status(200, &headers, "{}")
    })
    .await;
    let ask = legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    let mut names: Vec<_> = answer.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["cache-control", "content-type", "mcp-protocol-version", "x-content-type-options"]
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// T-MCP-43: the same ids at the same time, and each gets their own answer.
#[tokio::test]
async fn t_mcp_43_equal_ids_do_not_cross() {
    let world = World::new(|request| {
        let who = request.header("x-wicketgate-subject").to_owned();
        let id = request.message()["id"].clone();
        crate::support::json(
            &json!({ "jsonrpc": "2.0", "id": id, "result": { "who": who } }).to_string(),
        )
    })
    .await;
    let tokens: Vec<String> = (0..8)
        .map(|n| {
            crate::support::Token::new("mcp:read")
                .claim("sub", format!("sub_{n}"))
                .sign(&world.authority.key())
        })
        .collect();
    let asking = (0..800).map(|n| {
        let (who, token) = (n % 8, &tokens[n % 8]);
        let ask = modern("tools/call", &json!({ "name": "get_x" })).bearer(token);
        let world = &world;
        async move {
            let answer = world.ask(ask).await;
            assert_eq!(answer.json()["result"]["who"], format!("sub_{who}"));
        }
    });
    futures_util::future::join_all(asking).await;
    assert_eq!(world.server.requests().len(), 800);
}

#[tokio::test]
async fn forms_of_bodies() {
    let world = World::with(echo, |config| config.limits.body_bytes = 1000).await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({})).bearer(&token);
    for good in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(world.ask(ping().instead("content-type", good)).await.status, 200, "{good}");
    }
    for bad in ["text/plain", "application/json; charset=utf-16", "application/jsonx", ""] {
        assert_eq!(world.ask(ping().instead("content-type", bad)).await.status, 415, "{bad}");
    }
    assert_eq!(world.ask(ping().without("content-type")).await.status, 415);
    assert_eq!(world.ask(ping().header("content-type", "application/json")).await.status, 415);
    assert_eq!(world.ask(ping().header("content-encoding", "gzip")).await.status, 415);
    let big = legacy("ping", &json!({ "x": "y".repeat(1000) })).bearer(&token);
    assert_eq!(world.ask(big.clone()).await.status, 413);
    assert_eq!(world.ask(big.header("content-length", "5000")).await.status, 413);
    assert_eq!(world.server.requests().len(), 3);
}
