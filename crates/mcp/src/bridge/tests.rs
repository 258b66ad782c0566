//! What an upstream speaks is asked once, and nobody waits for it again (D-24).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::task::{JoinHandle, yield_now};
use upstream::connection::ConnectionError;
use upstream::{EraChoice, Speaks, Transport};

use crate::bridge::without_session;
use crate::reply::failure::Failure;
use crate::testing::script::SeenRequest;
use crate::testing::{Answer, World, modern};

fn world() -> World {
    World::new(Transport::Http, EraChoice::Auto)
}

/// A modern client reads something.
fn read(world: &World) -> JoinHandle<Answer> {
    let ask = modern("resources/read", &json!({ "uri": "file:///a" }));
    world.start(ask.bearer(&world.token("mcp:read")))
}

/// The upstream is asked whether it is a modern one.
async fn discover(world: &World) -> SeenRequest {
    let asked = world.script.asked().await;
    assert_eq!(asked.message["method"], "server/discover");
    asked
}

/// The upstream is asked for what the client wants, and the client has it.
async fn is_served(world: &World, reading: JoinHandle<Answer>) {
    let asked = world.script.asked().await;
    assert_eq!(asked.message["method"], "resources/read");
    asked.answer(&json!({ "contents": [] }));
    let answer = reading.await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["result"]["contents"], json!([]));
}

/// A world whose server is known to be a legacy one.
async fn knowing_world() -> World {
    let world = world();
    let reading = read(&world);
    discover(&world).await.refuse();
    is_served(&world, reading).await;
    world
}

/// D-24: what is known grows old; whoever comes then does not wait for news of it, and a server
/// that does not answer is asked once.
#[tokio::test]
async fn nobody_waits_for_news_of_what_is_known() {
    let world = knowing_world().await;
    world.clock.advance_seconds(299);
    is_served(&world, read(&world)).await;
    assert!(world.script.is_silent().await, "it is known");

    world.clock.advance_seconds(2);
    let reading = read(&world);
    let mut asked = [world.script.asked().await, world.script.asked().await];
    asked.sort_by_key(|asked| asked.message["method"].to_string());
    let [reads, discovers] = asked;
    assert_eq!(discovers.message["method"], "server/discover");
    reads.answer(&json!({ "contents": [] }));
    assert_eq!(reading.await.unwrap().status, 200);
    is_served(&world, read(&world)).await;

    discovers.fail(ConnectionError::Away);
    is_served(&world, read(&world)).await;
    assert!(world.script.is_silent().await, "for a while, it is what it was");
    world.clock.advance_seconds(31);
    let reading = read(&world);
    let asked = [world.script.asked().await, world.script.asked().await];
    assert!(asked.iter().any(|asked| asked.message["method"] == "server/discover"));
    reading.abort();
}

/// What was contradicted is asked before anything is built on it; what cannot be asked stays.
#[tokio::test]
async fn doubt_is_settled_first() {
    let world = knowing_world().await;
    let server = world.sidecar.server("default").unwrap();
    server.endpoint.upstream.eras.doubt();
    let reading = read(&world);
    discover(&world).await.refuse();
    is_served(&world, reading).await;

    server.endpoint.upstream.eras.doubt();
    let reading = read(&world);
    discover(&world).await.fail(ConnectionError::Away);
    is_served(&world, reading).await;
}

/// Who waited for an attempt that failed shares its end; who comes later tries anew.
#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited() {
    let world = world();
    let (first, second) = (read(&world), read(&world));
    let discovers = discover(&world).await;
    for _ in 0..100 {
        yield_now().await;
    }
    discovers.fail(ConnectionError::Away);
    assert_eq!(first.await.unwrap().status, 503);
    assert_eq!(second.await.unwrap().status, 503);
    assert!(world.script.is_silent().await, "it was asked once");

    let third = read(&world);
    discover(&world).await.refuse();
    is_served(&world, third).await;
}

/// A server that never answers what it does not know is a legacy one.
#[tokio::test(start_paused = true)]
async fn silence_is_an_answer() {
    let world = world();
    let reading = read(&world);
    let _unanswered = discover(&world).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    is_served(&world, reading).await;
}

/// What the upstream is taken for, once somebody has asked again.
async fn looked_at_again(world: &World, how: impl FnOnce(SeenRequest)) -> Speaks {
    world.clock.advance_seconds(301);
    let reading = read(world);
    how(discover(world).await);
    let (shared, server) = world.sidecar.inside();
    let settled = async {
        loop {
            if let Some(speaks) = server.upstream.eras.known(shared.trust.now()) {
                return speaks;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let speaks = tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
    reading.abort();
    speaks
}

/// D-24: a server in trouble speaks what it spoke before; only its own words take that back.
#[tokio::test]
async fn trouble_takes_nothing_back() {
    let world = world();
    let reading = read(&world);
    let versions = json!({ "supportedVersions": ["2026-07-28"] });
    discover(&world).await.answer(&versions);
    reading.await.unwrap();
    let both = Speaks { modern: true, legacy: true };
    for error in [
        ConnectionError::Away,
        ConnectionError::Broken,
        ConnectionError::Timeout,
        ConnectionError::Full,
        ConnectionError::Refused(StatusCode::SERVICE_UNAVAILABLE),
        ConnectionError::Refused(StatusCode::TOO_MANY_REQUESTS),
    ] {
        assert_eq!(looked_at_again(&world, |asked| asked.fail(error)).await, both, "{error}");
    }
    assert_eq!(looked_at_again(&world, |asked| asked.answer(&versions)).await, both);
    let legacy = Speaks { modern: false, legacy: true };
    assert_eq!(looked_at_again(&world, |asked| asked.refuse()).await, legacy);
}

/// Nor does the silence of one that once spoke.
#[tokio::test(start_paused = true)]
async fn silence_takes_nothing_back() {
    let world = world();
    let reading = read(&world);
    discover(&world).await.answer(&json!({ "supportedVersions": ["2026-07-28"] }));
    reading.await.unwrap();
    let mut unanswered = None;
    let speaks = looked_at_again(&world, |asked| unanswered = Some(asked)).await;
    assert_eq!(speaks, Speaks { modern: true, legacy: true });
}

/// D-55: no trouble with the upstream looks like the end of the session.
#[test]
fn d_55_never_404() {
    for error in [
        ConnectionError::Away,
        ConnectionError::SessionGone,
        ConnectionError::Timeout,
        ConnectionError::Refused(StatusCode::NOT_FOUND),
        ConnectionError::Full,
    ] {
        let row = Failure::from(without_session(error)).row();
        assert_ne!(row.code, protocol::mcp::SESSION_UNKNOWN);
        assert_ne!(row.status, StatusCode::NOT_FOUND);
    }
}
