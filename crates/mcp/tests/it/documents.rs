//! What anybody may read.

use http::Method;
use serde_json::json;

use crate::support::{Ask, ISSUER, RESOURCE, World, echo, get};

#[tokio::test]
async fn pr_2_resource_metadata_in_every_form() {
    let world = World::new(echo).await;
    for path in
        ["/.well-known/oauth-protected-resource/mcp", "/mcp/.well-known/oauth-protected-resource"]
    {
        assert!(world.sidecar.serves(path));
        // Discovery ignores the protocol version and is open to any page.
        let ask = get(path).header("mcp-protocol-version", "1999-01-01");
        let answer = world.ask(ask.header("origin", "https://any.example")).await;
        assert_eq!(answer.status, 200, "{path}");
        let expected = json!({
            "resource": RESOURCE,
            "authorization_servers": [ISSUER],
            "scopes_supported": ["mcp:read", "mcp:write", "mcp:process_admin"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Workflow",
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert!(!world.sidecar.serves("/.well-known/oauth-protected-resource"));
}

#[tokio::test]
async fn aliases_need_no_token() {
    let world = World::new(echo).await;
    let keys = world.ask(get("/mcp/jwks")).await;
    assert_eq!(keys.json()["keys"][0]["kid"], "key-1");
    let metadata = world.ask(get("/mcp/.well-known/oauth-authorization-server")).await;
    assert_eq!(metadata.json()["issuer"], ISSUER);
    assert_eq!(world.ask(get("/mcp/health")).await.json()["status"], "ok");
    world.authority.set_away(true);
    let metadata = world.ask(get("/mcp/.well-known/oauth-authorization-server")).await;
    assert_eq!((metadata.status.as_u16(), metadata.header("retry-after")), (503, "5"));
    assert_eq!(world.ask(get("/mcp/health")).await.status, 200);
    assert!(world.server.requests().is_empty());
}

#[tokio::test]
async fn documents_are_only_read() {
    let world = World::new(echo).await;
    let path = "/.well-known/oauth-protected-resource/mcp";
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = world.ask(Ask::new(method, path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, OPTIONS"));
    }
    let preflight = Ask::new(Method::OPTIONS, path)
        .header("origin", "https://any.example")
        .header("access-control-request-method", "GET");
    let answer = world.ask(preflight).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}
