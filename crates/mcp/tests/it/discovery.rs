//! `server/discover` from memory (C6): whatever is the matter with the server, a client
//! that asks does not lose its revision.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp::EraChoice;
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Recorded, Reply, SOON, Token, World, events, json as reply_json, modern, status,
};

fn discover() -> Ask {
    modern("server/discover", &json!({}))
}

fn found(id: &Value, name: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": { "resultType": "complete",
        "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} }, "instructions": name,
        "ttlMs": 1000, "cacheScope": "private" } })
    .to_string()
}

/// What the server says the first time, and from then on.
async fn world(first: fn(&Recorded) -> Reply, later: fn(&Recorded) -> Reply) -> World {
    let asked = Arc::new(AtomicUsize::new(0));
    World::new(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => first(request),
        _ => later(request),
    })
    .await
}

fn instructions(answer: &Answer) -> Value {
    assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (200, &json!(7)), "{answer:?}");
    answer.json()["result"]["instructions"].clone()
}

async fn asked(world: &World, times: usize) {
    let waiting = async {
        while world.server.requests().len() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("the server is asked");
}

#[tokio::test]
async fn the_second_client_waits_for_nobody() {
    let streamed: fn(&Recorded) -> Reply = |request| {
        let message = found(&request.message()["id"], "one");
        events(&format!(": hello\n\ndata: {message}\n\n"))
    };
    let plain: fn(&Recorded) -> Reply =
        |request| reply_json(&found(&request.message()["id"], "one"));
    let troubles: [fn(&Recorded) -> Reply; 3] = [
        |_| status(429, &[("content-type", "text/plain")], "slow down"),
        |_| status(503, &[], ""),
        |_| Box::pin(std::future::pending()),
    ];
    for (first, trouble) in [plain, plain, streamed].into_iter().zip(troubles) {
        let world = world(first, trouble).await;
        let token = world.token("");
        assert!(world.ask(discover().bearer(&token)).await.status.is_success());
        // Once what is known is too old, the server is asked beside the clients, and only once.
        for _ in 0..3 {
            world.clock.advance_seconds(6);
            assert_eq!(instructions(&world.ask(discover().bearer(&token)).await), "one");
        }
        asked(&world, 2).await;
    }
}

/// What is known is one person's, and not another's.
#[tokio::test]
async fn one_persons_answer_is_not_anothers() {
    let world = World::new(|request| {
        reply_json(&found(&request.message()["id"], request.header("x-wicketgate-subject")))
    })
    .await;
    let other = Token::new("").claim("sub", "sub_2").sign(&world.authority.key());
    for _ in 0..2 {
        assert_eq!(instructions(&world.ask(discover().bearer(&world.token(""))).await), "sub_1");
        assert_eq!(instructions(&world.ask(discover().bearer(&other)).await), "sub_2");
    }
    assert_eq!(world.server.requests().len(), 2);
    let nobody = world.ask(discover().bearer("x.y.z")).await;
    assert_eq!(nobody.status, 401, "the token comes first");
}

#[tokio::test]
async fn news_are_learned_beside_the_requests() {
    let world = world(
        |request| reply_json(&found(&request.message()["id"], "one")),
        |request| reply_json(&found(&request.message()["id"], "two")),
    )
    .await;
    let token = world.token("");
    for _ in 0..2 {
        assert_eq!(instructions(&world.ask(discover().bearer(&token)).await), "one");
    }
    world.clock.advance_seconds(6);
    let learned = async {
        while instructions(&world.ask(discover().bearer(&token)).await) != "two" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, learned).await.expect("it is learned");
    assert_eq!(world.server.requests().len(), 2);
}

/// An error is nothing to remember, and a server that knows the question no more is believed.
#[tokio::test]
async fn failures_are_not_remembered() {
    let world = world(
        |_| status(503, &[], ""),
        |request| reply_json(&found(&request.message()["id"], "two")),
    )
    .await;
    let token = world.token("");
    assert_eq!(world.ask(discover().bearer(&token)).await.status, 503);
    assert_eq!(instructions(&world.ask(discover().bearer(&token)).await), "two");
}

/// A legacy server, whose handshake is what is remembered.
#[tokio::test]
async fn a_bridged_answer_is_remembered_too() {
    let world = World::with(
        |request| {
            let id = &request.message()["id"];
            match request.rpc_method().as_str() {
                "initialize" => reply_json(
                    &json!({ "jsonrpc": "2.0", "id": id, "result": { "capabilities": {},
                        "protocolVersion": "2025-11-25", "instructions": "old",
                        "serverInfo": { "name": "s", "version": "1" } } })
                    .to_string(),
                ),
                _ => status(202, &[], ""),
            }
        },
        |config| config.servers[0].upstream.eras = EraChoice::Legacy,
    )
    .await;
    let token = world.token("");
    for _ in 0..3 {
        assert_eq!(instructions(&world.ask(discover().bearer(&token)).await), "old");
    }
    assert_eq!(
        world.server.requests().iter().filter(|r| r.rpc_method() == "initialize").count(),
        1
    );
}

/// Whoever has as much under way as they may is told to wait with everything else; and nothing else
/// gets through under that name.
#[tokio::test]
async fn no_limit_costs_a_client_its_revision() {
    let noted = Arc::new(tokio::sync::Notify::new());
    let noting = Arc::clone(&noted);
    let world = World::with(
        move |request| {
            if request.rpc_method() == "server/discover" {
                return reply_json(&found(&request.message()["id"], "one"));
            }
            noting.notify_one();
            Box::pin(std::future::pending())
        },
        |config| config.limits.requests_per_principal = 1,
    )
    .await;
    let token = world.token("mcp:read");
    let call = || modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    let (sidecar, running) = (Arc::clone(&world.sidecar), call());
    let running = tokio::spawn(async move { sidecar.handle(running.build()).await.status() });
    tokio::time::timeout(SOON, noted.notified()).await.unwrap();
    assert_eq!(world.ask(call()).await.status, 429);
    for _ in 0..2 {
        assert_eq!(instructions(&world.ask(discover().bearer(&token)).await), "one");
    }
    let disguised = call().instead("mcp-method", "server/discover");
    assert_eq!(world.ask(disguised).await.status, 400);
    let legacy = crate::support::legacy("ping", &json!({})).bearer(&token);
    assert_eq!(world.ask(legacy.header("mcp-method", "server/discover")).await.status, 400);
    running.abort();
}
