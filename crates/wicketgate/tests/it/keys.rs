//! The sidecar takes what the signing keys signed, and nothing else.

use serde_json::Value;
use testkit::forge::{Forger, Jwt};
use testkit::{Era, McpCaller};

use crate::world::World;

/// T-MCP-01, T-MCP-03, T-MCP-05, T-MCP-07, T-MCP-08, T-MCP-10, T-MCP-16 from outside: what was
/// changed, signed by others, or is something else opens nothing.
#[tokio::test]
async fn forged_tokens_open_nothing() {
    let world = World::sqlite().await;
    let connected = world.connect("admin").await;
    let token = &connected.tokens.access;
    let jwt = || Jwt::read(token);
    let forger = Forger::new();
    let jwk = forger.public_jwk();
    let caller = McpCaller::new(&world, token, Era::Stateless);
    assert!(!caller.tools().await.is_empty(), "the token itself is good");
    for forged in [
        jwt().header("alg", "none").unsigned(),
        jwt().header("alg", "NONE").unsigned(),
        jwt().unsigned(),
        jwt().claim("scope", "mcp:admin").with_old_signature(),
        jwt().header("typ", "JWT").with_old_signature(),
        forger.sign(&jwt()),
        forger.sign(&jwt().header("jwk", jwk)),
        forger.sign(&jwt().header("kid", "../../dev/null")),
        forger.sign(&jwt().claim("aud", "https://other.example/mcp")),
        format!("{token}x"),
        token[..token.len() - 2].to_owned(),
        connected.tokens.refresh.clone(),
        connected.code.clone(),
        connected.client.id.clone(),
    ] {
        let answer = caller.with_token(&forged).ask("tools/list", Value::Null).await;
        assert_eq!(answer.status, 401, "{forged}");
    }
    world.clock.advance_seconds(3600 + 120);
    let answer = caller.ask("tools/list", serde_json::json!({})).await;
    assert_eq!(answer.status, 401, "expired");
}
