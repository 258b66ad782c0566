//! Their standing streams, at servers that send no headers before they have something to say.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::Method;
use serde_json::json;
use tokio::sync::mpsc;

use super::{PYTHON, Slow, kind, next};
use crate::sessions::{open, sessions};
use crate::support::{
    Ask, Recorded, Reply, SOON, World, event_id, events, get, json as json_reply, legacy,
    open_events, pass, quiet, status, without_ids,
};

const NEWS: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";

fn is_get(request: &Recorded) -> bool {
    request.method == Method::GET
}

/// A server with sessions that is slow to answer each GET.
pub(super) async fn slow(stream: impl Fn() -> Reply + Send + Sync + 'static) -> Slow {
    let reply =
        move |request: &Recorded| if is_get(request) { stream() } else { sessions(request) };
    Slow::new(is_get, reply).await
}

pub(super) fn stream(world: &World, session: &str) -> Ask {
    let ask = get("/mcp").header("accept", "text/event-stream").bearer(&world.token("mcp:read"));
    ask.header("mcp-session-id", session).header("user-agent", PYTHON)
}

pub(super) async fn session(world: &World) -> String {
    open(world, &world.token("mcp:read"), "2025-11-25").await
}

/// C4: such a client could send nothing else meanwhile.
#[tokio::test]
async fn a_slow_stream_begins_without_the_server() {
    let (feed, news) = mpsc::unbounded_channel();
    let news = std::sync::Mutex::new(Some(news));
    let slow = slow(move || open_events(news.lock().unwrap().take().unwrap())).await;
    let session = session(&slow.world).await;
    let mut body = slow.begun(stream(&slow.world, &session)).await;
    assert!(body.is_standing());
    for _ in 0..2 {
        assert!(next(&mut body).now_or_never().is_none());
        pass(Duration::from_secs(15)).await;
        assert_eq!(next(&mut body).await.unwrap(), ": keep-alive\n\n");
    }
    slow.answer.notify_one();
    for _ in 0..2 {
        feed.send(NEWS).unwrap();
        assert_eq!(next(&mut body).await.unwrap(), NEWS);
    }
    drop(feed);
    assert_eq!(next(&mut body).await, None);
}

/// A server that has no stream says so by its status, and is heard.
#[tokio::test]
async fn a_quick_405_is_405() {
    let world = World::new(|request| match request.method {
        Method::GET => status(405, &[("allow", "POST")], ""),
        _ => sessions(request),
    })
    .await;
    let session = session(&world).await;
    assert_eq!(world.ask(stream(&world, &session)).await.status, 405);
}

/// One that takes long to say that it has none ends the stream, and the client does not come back at
/// once. In time it would have been told by the status, and given up.
#[tokio::test]
async fn what_is_late_and_no_stream_ends_the_stream() {
    let no_stream: [fn() -> Reply; 8] = [
        || status(405, &[], ""),
        || status(401, &[], ""),
        || status(302, &[("location", "/elsewhere")], ""),
        || status(204, &[], ""),
        || status(202, &[], ""),
        || json_reply("{}"),
        || status(500, &[], ""),
        || status(429, &[], ""),
    ];
    for no_stream in no_stream {
        assert_eq!(late(no_stream).await.as_deref(), Some("retry: 30000\n\n"));
    }
}

/// One that could not open it now ends it as well, and may be asked again as soon as ever.
#[tokio::test]
async fn what_is_late_and_may_pass_is_asked_again_soon() {
    let away: [fn() -> Reply; 2] = [|| status(503, &[], ""), || status(504, &[], "")];
    for away in away {
        assert_eq!(late(away).await, None);
    }
}

/// All that a stream says whose server answers late and with no stream.
async fn late(no_stream: fn() -> Reply) -> Option<String> {
    let slow = slow(no_stream).await;
    let session = session(&slow.world).await;
    let mut body = slow.begun(stream(&slow.world, &session)).await;
    slow.answer.notify_one();
    let last = next(&mut body).await;
    assert!(last.is_none() || next(&mut body).await.is_none(), "nothing follows");
    last
}

/// A session that turned out to be lost is 404 to whatever comes next.
#[tokio::test]
async fn a_late_404_loses_the_session() {
    let slow = slow(|| status(404, &[], "")).await;
    let session = session(&slow.world).await;
    let mut body = slow.begun(stream(&slow.world, &session)).await;
    slow.answer.notify_one();
    while next(&mut body).await.is_some() {}
    let ping = legacy("ping", &json!({})).bearer(&slow.world.token("mcp:read"));
    assert_eq!(slow.world.ask(ping.header("mcp-session-id", &session)).await.status, 404);
}

/// C7: whatever becomes of it, a resumed stream begins with the id that it goes on from.
#[tokio::test]
async fn a_slow_resumed_stream_begins_with_its_id() {
    let slow = slow(|| events("id: e-5\ndata: \n\n")).await;
    let world = &slow.world;
    let session = session(world).await;
    let other = stream(world, &session).instead("user-agent", "node");
    let first = slow.ask(other).await;
    slow.answer.notify_one();
    let first = tokio::time::timeout(SOON, first).await.unwrap().unwrap();
    let id = event_id(&crate::support::Answer::read(first).await);
    let mut body = slow.begun(stream(world, &session).header("last-event-id", &id)).await;
    assert_eq!(next(&mut body).await.unwrap(), format!("id: {id}\ndata: \n\n"));
    slow.answer.notify_one();
    let rest = next(&mut body).await.unwrap();
    assert_eq!(without_ids(&rest), "id: *\ndata: \n\n");
    assert_eq!(world.server.requests().pop().unwrap().header("last-event-id"), "e-5");
}

/// Everybody else gets the server's own form.
#[tokio::test]
async fn other_clients_wait_for_the_server() {
    let slow = slow(|| events(": nothing\n\n")).await;
    let session = session(&slow.world).await;
    let ask = stream(&slow.world, &session);
    let waiting = slow.ask(ask.clone().instead("user-agent", "node")).await;
    let begun = slow.ask(ask).await;
    quiet(Duration::from_secs(5)).await;
    assert_eq!((waiting.is_finished(), begun.is_finished()), (false, true));
    slow.answer.notify_one();
    let answered = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!((answered.status().as_u16(), kind(&answered)), (200, "text/event-stream"));
}
