//! T-MCP-51: upstreams that misbehave.

use std::time::Duration;

use mcp::NotReady;
use serde_json::json;

use crate::support::{Ask, World, echo, get, legacy, status, text};

fn call(world: &World) -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"))
}

const SECRET: &str = "inside 10.0.0.7";

/// An answer of ours that tells the request's id and nothing of the inside.
async fn fails(world: &World, expected: u16, code: i64) {
    let answer = world.ask(call(world)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (expected, code), "{answer:?}");
    assert_eq!(answer.json()["id"], 7);
    assert!(!text(&answer.body).contains(SECRET));
    assert_eq!(answer.challenge(), "");
    assert_eq!(answer.header("location"), "");
}

#[tokio::test]
async fn t_mcp_51_redirects_are_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let world = World::new(move |_| status(code, &[("location", "/elsewhere")], SECRET)).await;
        fails(&world, 502, -31502).await;
        assert_eq!(world.server.requests().len(), 1);
    }
}

#[tokio::test]
async fn t_mcp_51_a_refused_credential_is_not_the_clients_fault() {
    for code in [401, 407] {
        let headers = [("www-authenticate", "Bearer"), ("content-type", "application/json")];
        let world = World::new(move |_| status(code, &headers, SECRET)).await;
        fails(&world, 502, -31502).await;
    }
}

#[tokio::test]
async fn t_mcp_51_other_content_types() {
    let html = [("content-type", "text/html")];
    let world = World::new(move |_| status(200, &html, SECRET)).await;
    fails(&world, 502, -31502).await;
    let world = World::new(move |_| status(500, &html, SECRET)).await;
    fails(&world, 500, -31502).await;
    let world = World::new(|_| status(200, &[], SECRET)).await;
    fails(&world, 502, -31502).await;
    let packed = [("content-type", "application/json"), ("content-encoding", "br")];
    let world = World::new(move |_| status(200, &packed, SECRET)).await;
    fails(&world, 502, -31502).await;
}

#[tokio::test]
async fn t_mcp_51_json_errors_pass() {
    let json = [("content-type", "application/json"), ("retry-after", "9")];
    let world = World::new(move |_| status(503, &json, "{\"x\":1}")).await;
    let answer = world.ask(call(&world)).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (503, "{\"x\":1}"));
    assert_eq!(answer.header("retry-after"), "9");
}

#[tokio::test]
async fn t_mcp_51_nobody_there() {
    let world = World::with(echo, |config| {
        // Port 1 on loopback: nothing listens there.
        config.servers[0].upstream.url = "http://127.0.0.1:1/mcp".parse().unwrap();
    })
    .await;
    for _ in 0..5 {
        fails(&world, 503, -31503).await;
    }
    let not_ready = NotReady::Upstream("default".to_owned());
    assert_eq!(world.sidecar.ready().await, Err(not_ready));
}

#[tokio::test]
async fn t_mcp_51_a_server_that_hangs() {
    let world = World::with(
        |_| Box::pin(std::future::pending()),
        |config| config.limits.upstream.first_byte_timeout = Duration::from_millis(50),
    )
    .await;
    fails(&world, 504, -31504).await;
    tokio::time::timeout(crate::support::SOON, world.server.abandoned.notified()).await.unwrap();
}

/// A huge answer is passed on in pieces, not collected.
#[tokio::test]
async fn t_mcp_51_a_huge_answer_streams() {
    let huge = format!("{{\"x\":\"{}\"}}", "y".repeat(32 << 20));
    let expected = huge.len();
    let world = World::new(move |_| crate::support::json(&huge)).await;
    let answer = world.ask(call(&world)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, expected));
}

#[tokio::test]
async fn ready_means_keys_and_servers() {
    let world = World::new(echo).await;
    assert_eq!(world.sidecar.ready().await, Ok(()));
    let world = World::new(echo).await;
    world.authority.set_away(true);
    assert_eq!(world.sidecar.ready().await, Err(NotReady::Keys));
    assert_eq!(world.ask(get("/mcp/health")).await.status, 200, "alive all the same");
}
