//! An upstream with several addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Uri;
use mcp::NotReady;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Ask, Doing, Recorded, Reply, SOON, TestServer, World, echo, legacy, status};

fn nobody() -> Uri {
    // Port 1 on loopback: nothing listens there.
    "http://127.0.0.1:1/mcp".parse().unwrap()
}

fn call(world: &World) -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"))
}

#[tokio::test]
async fn requests_take_turns() {
    let second = TestServer::start(echo).await;
    let other = second.uri();
    let world =
        World::with(echo, |config| config.servers[0].upstream.http.others = vec![other]).await;
    for _ in 0..10 {
        assert_eq!(world.ask(call(&world)).await.status, 200);
    }
    let counts = [world.server.requests().len(), second.requests().len()];
    assert_eq!(counts, [5, 5]);
    let authority = second.uri().authority().unwrap().to_string();
    assert!(second.requests().iter().all(|sent| sent.header("host") == authority));
}

/// A connection that was not made carried nothing, so another address gets the request.
#[tokio::test]
async fn an_address_that_is_away_costs_no_request() {
    let world = World::with(echo, |config| {
        config.servers[0].upstream.http.others = vec![nobody(), nobody()];
    })
    .await;
    for n in 1..=20 {
        assert_eq!(world.ask(call(&world)).await.status, 200);
        assert_eq!(world.server.requests().len(), n, "each was sent once");
    }
}

/// A server that mints session ids of its own and knows no others.
fn minting(name: &'static str) -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    move |request| {
        let id = request.message()["id"].clone();
        let json = ("content-type", "application/json");
        if request.rpc_method() == "initialize" {
            let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
            let text = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
            return status(200, &[json, ("mcp-session-id", name)], &text);
        }
        let known = request.header("mcp-session-id") == name;
        let text = json!({ "jsonrpc": "2.0", "id": id, "result": { "at": name } }).to_string();
        status(if known { 200 } else { 404 }, &[json], &text)
    }
}

#[tokio::test]
async fn a_session_stays_where_it_was_opened() {
    let second = TestServer::start(minting("second")).await;
    let other = second.uri();
    let mut world = World::with(minting("first"), |config| {
        config.servers[0].upstream.http.others = vec![other];
    })
    .await;
    let token = world.token("mcp:read");
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let ask = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }));
        let answer = world.ask(ask.bearer(&token)).await;
        sessions.push(answer.header("mcp-session-id").to_owned());
    }
    let ping =
        |session: &str| legacy("ping", &json!({})).bearer(&token).header("mcp-session-id", session);
    let mut places = Vec::new();
    for session in &sessions {
        let mut seen = Vec::new();
        for _ in 0..5 {
            let answer = world.ask(ping(session)).await;
            assert_eq!(answer.status, 200);
            seen.push(answer.json()["result"]["at"].as_str().unwrap().to_owned());
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
        places.append(&mut seen);
    }
    assert_eq!(places.iter().filter(|place| *place == "first").count(), 2, "{places:?}");
    // A replica that was told of one address only: the sessions of the other are gone with it.
    world.sidecar = world.replica();
    for (session, place) in sessions.iter().zip(&places) {
        let expected = if place == "first" { 200 } else { 404 };
        assert_eq!(world.ask(ping(session)).await.status, expected);
    }
}

/// D-55: the session's address is away; another would not know it, and it is not gone either.
#[tokio::test]
async fn d_55_a_session_waits_for_its_own_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = format!("http://{}/mcp", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (doing, mut connections) = (Doing::new(minting("first")), JoinSet::new());
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(doing.clone().serve(stream));
        }
    });
    let world = World::with(minting("second"), |config| {
        let upstream = &mut config.servers[0].upstream;
        upstream.http.others = vec![upstream.url.clone()];
        upstream.url = first.parse().unwrap();
    })
    .await;
    let token = world.token("mcp:read");
    let ask = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }));
    let session = world.ask(ask.bearer(&token)).await.header("mcp-session-id").to_owned();
    serving.abort();
    let _ = serving.await;
    for _ in 0..5 {
        let ping = legacy("ping", &json!({})).bearer(&token).header("mcp-session-id", &session);
        let answer = world.ask(ping).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (503, -31503));
        assert_eq!((answer.header("retry-after"), &answer.json()["id"]), ("5", &json!(7)));
    }
}

/// A health page that says no takes its address out; nobody well is 503.
#[tokio::test]
async fn the_health_page_decides() {
    let well = Arc::new(AtomicBool::new(true));
    let sick = |_: &Recorded| status(503, &[], "");
    let says = Arc::clone(&well);
    let second = TestServer::start(move |request| {
        if request.uri.path() != "/health" {
            return echo(request);
        }
        assert!(!request.headers.contains_key("authorization"), "no credential for a page");
        status(if says.load(Ordering::SeqCst) { 200 } else { 500 }, &[], "")
    })
    .await;
    let other = second.uri();
    let world = World::with(
        move |request| if request.uri.path() == "/health" { sick(request) } else { echo(request) },
        |config| {
            config.servers[0].upstream.http.others = vec![other];
            config.servers[0].upstream.http.health_path = "/health".to_owned();
        },
    )
    .await;
    let calls = |server: &TestServer| {
        server.requests().iter().filter(|sent| sent.uri.path() != "/health").count()
    };
    assert_eq!(world.sidecar.ready().await, Ok(()));
    for _ in 0..6 {
        assert_eq!(world.ask(call(&world)).await.status, 200);
    }
    assert_eq!((calls(&world.server), calls(&second)), (0, 6));
    well.store(false, Ordering::SeqCst);
    assert_eq!(world.sidecar.ready().await, Ok(()), "what is known is used");
    world.clock.advance_seconds(60);
    let not_ready = NotReady::Upstream("default".to_owned());
    assert_eq!(world.sidecar.ready().await, Err(not_ready));
    let answer = world.ask(call(&world)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"));
    well.store(true, Ordering::SeqCst);
    assert_eq!(world.sidecar.ready().await, Ok(()));
    assert_eq!(world.ask(call(&world)).await.status, 200);
}

/// The background task looks by itself, and again after the interval.
#[tokio::test]
async fn watching_looks() {
    let world = World::with(echo, |config| {
        config.servers[0].upstream.http.health_path = "/health".to_owned();
        config.servers[0].upstream.http.health_interval = Duration::from_millis(20);
    })
    .await;
    let shutdown = CancellationToken::new();
    let watching = tokio::spawn(Arc::clone(&world.sidecar).watch(shutdown.clone()));
    let looked = async {
        while world.server.requests().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, looked).await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(SOON, watching).await.unwrap().unwrap();
    assert!(world.server.requests().iter().all(|sent| sent.uri == "/health"));
}
