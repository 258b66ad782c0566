//! Answers that keep coming.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use mcp::Body;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Ask, ISSUER, SOON, START, Token, World, frame, get, legacy, modern, open_events, text,
};

type Events = mpsc::UnboundedSender<&'static str>;

/// A world whose server answers with streams that the test feeds.
async fn feeding() -> (World, mpsc::UnboundedReceiver<Events>) {
    let (streams, opened) = mpsc::unbounded_channel();
    let world = World::new(move |_| {
        let (feed, events) = mpsc::unbounded_channel();
        streams.send(feed).unwrap();
        open_events(events)
    })
    .await;
    (world, opened)
}

async fn open(world: &World, ask: Ask) -> Body {
    let response = world.sidecar.handle(ask.build()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response.into_body()
}

async fn next(body: &mut Body) -> String {
    text(&frame(body).await.expect("one more event").unwrap()).to_owned()
}

fn call() -> Ask {
    modern("tools/call", &json!({ "name": "get_x" }))
}

const PROGRESS: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
const RESULT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";

/// Each event is here before the next is sent.
#[tokio::test]
async fn events_arrive_one_by_one() {
    let (world, mut opened) = feeding().await;
    let mut body = open(&world, call().bearer(&world.token("mcp:read"))).await;
    let feed = opened.recv().await.unwrap();
    for _ in 0..10 {
        feed.send(PROGRESS).unwrap();
        assert_eq!(next(&mut body).await, PROGRESS);
    }
    feed.send("data: half").unwrap();
    assert_eq!(next(&mut body).await, "data: half", "not even an event is waited for");
    feed.send(" an event\n\n").unwrap();
    assert_eq!(next(&mut body).await, " an event\n\n");
    feed.send(RESULT).unwrap();
    assert_eq!(next(&mut body).await, RESULT);
    drop(feed);
    assert!(frame(&mut body).await.is_none());
}

/// T-MCP-52, C-08: a client that goes away in the middle of a stream.
#[tokio::test]
async fn t_mcp_52_leaving_a_stream_reaches_the_server() {
    let (world, mut opened) = feeding().await;
    let mut body = open(&world, call().bearer(&world.token("mcp:read"))).await;
    let feed = opened.recv().await.unwrap();
    feed.send(PROGRESS).unwrap();
    next(&mut body).await;
    drop(body);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the server sees it");
}

/// T-MCP-52: a client that goes away before the answer begins.
#[tokio::test]
async fn t_mcp_52_leaving_before_the_answer_reaches_the_server() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let world = World::new(move |_| {
        arrived.send(()).unwrap();
        Box::pin(std::future::pending())
    })
    .await;
    let token = world.token("mcp:read");
    for _ in 0..20 {
        let sidecar = Arc::clone(&world.sidecar);
        let ask = call().bearer(&token).build();
        let asking = tokio::spawn(async move { sidecar.handle(ask).await });
        arrivals.recv().await.unwrap();
        asking.abort();
        let gone = world.server.abandoned.notified();
        tokio::time::timeout(SOON, gone).await.expect("the server sees it");
    }
}

/// T-MCP-49: the token expires while its stream runs. The stream says so and ends.
#[tokio::test]
async fn t_mcp_49_a_stream_ends_with_its_token() {
    let (world, mut opened) = feeding().await;
    let short = Token::new("mcp:read").claim("exp", START + 60).sign(&world.authority.key());
    let mut body = open(&world, call().bearer(&short)).await;
    let feed = opened.recv().await.unwrap();
    feed.send(PROGRESS).unwrap();
    assert_eq!(next(&mut body).await, PROGRESS);
    world.settle().await;
    feed.send(PROGRESS).unwrap();
    assert_eq!(next(&mut body).await, PROGRESS, "not before its time");
    world.clock.advance_seconds(70);
    world.settle().await;
    let farewell = next(&mut body).await;
    assert!(farewell.contains("\"id\":7,\"error\":{\"code\":-31401"), "{farewell}");
    assert!(frame(&mut body).await.is_none());
    drop(body);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the server sees it");
}

/// T-MCP-49: revocation, and only of the grant that was revoked.
#[tokio::test]
async fn t_mcp_49_a_stream_ends_with_its_grant() {
    let (world, mut opened) = feeding().await;
    let mut revoked = open(&world, call().bearer(&world.token("mcp:read"))).await;
    let _feed = opened.recv().await.unwrap();
    let status = json!({ "status_list": { "idx": 6, "uri": format!("{ISSUER}/status/0") } });
    let other = Token::new("mcp:read").claim("status", status).sign(&world.authority.key());
    let mut kept = open(&world, call().bearer(&other)).await;
    let feed = opened.recv().await.unwrap();
    world.authority.revoke(5);
    world.settle().await;
    assert!(next(&mut revoked).await.contains("-31401"));
    assert!(frame(&mut revoked).await.is_none());
    feed.send(PROGRESS).unwrap();
    assert_eq!(next(&mut kept).await, PROGRESS);
}

/// Half an event cannot be finished by us.
#[tokio::test]
async fn t_mcp_49_no_farewell_inside_an_event() {
    let (world, mut opened) = feeding().await;
    let mut body = open(&world, call().bearer(&world.token("mcp:read"))).await;
    let feed = opened.recv().await.unwrap();
    feed.send("data: {\"half\":").unwrap();
    next(&mut body).await;
    world.authority.revoke(5);
    world.settle().await;
    assert!(frame(&mut body).await.is_none());
}

/// T-MCP-50: a principal holds ten standing streams, and a closed one makes room.
#[tokio::test]
async fn t_mcp_50_standing_streams_are_counted() {
    let (world, mut opened) = feeding().await;
    let token = world.token("mcp:read");
    let listen = || modern("subscriptions/listen", &json!({})).bearer(&token);
    let mut standing = Vec::new();
    let mut feeds = Vec::new();
    for turn in 0..10 {
        let ask = if turn % 2 == 0 { get("/mcp").bearer(&token) } else { listen() };
        standing.push(open(&world, ask).await);
        feeds.push(opened.recv().await.unwrap());
    }
    let answer = world.ask(listen()).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "5"));
    assert_eq!(answer.json()["id"], 7);
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    drop(open(&world, get("/mcp").bearer(&other)).await);
    drop(standing.pop());
    drop(open(&world, listen()).await);
    // Calls are not counted: an answer that streams is not a standing stream.
    drop(open(&world, call().bearer(&token)).await);
}

/// C-72: a subscription that we end is answered.
#[tokio::test]
async fn t_mcp_49_a_subscription_completes() {
    let (world, mut opened) = feeding().await;
    let ask = modern("subscriptions/listen", &json!({})).bearer(&world.token("mcp:read"));
    let mut body = open(&world, ask).await;
    let _feed = opened.recv().await.unwrap();
    world.authority.revoke(5);
    world.settle().await;
    let last = next(&mut body).await;
    let message = last.strip_prefix("event: message\ndata: ").unwrap();
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    assert_eq!(message["result"]["resultType"], "complete");
    assert_eq!(message["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    assert!(frame(&mut body).await.is_none());
}

/// SIGTERM: standing streams end at once, answers get a grace, and new requests are still
/// answered.
#[tokio::test]
async fn draining_ends_streams_cleanly() {
    let streams: Arc<Mutex<Vec<Events>>> = Arc::default();
    let feeds = Arc::clone(&streams);
    let world = World::new(move |request| {
        if request.rpc_method() == "ping" {
            return crate::support::echo(request);
        }
        let (feed, events) = mpsc::unbounded_channel();
        feeds.lock().unwrap().push(feed);
        open_events(events)
    })
    .await;
    let token = world.token("mcp:read");
    let mut standing = open(&world, get("/mcp").bearer(&token)).await;
    let mut running = open(&world, call().bearer(&token)).await;
    world.sidecar.drain();
    assert!(frame(&mut standing).await.is_none());
    assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&token)).await.status, 200);
    streams.lock().unwrap()[1].send(RESULT).unwrap();
    assert_eq!(next(&mut running).await, RESULT, "within the grace");
    // From here on the runtime's clock jumps to whatever is waited for: the end of the grace.
    tokio::time::pause();
    assert!(next(&mut running).await.contains("-31401"));
    assert!(frame(&mut running).await.is_none());
}

/// The background task ends when it is told to.
#[tokio::test]
async fn watching_ends() {
    let (world, _opened) = feeding().await;
    let shutdown = CancellationToken::new();
    let watching = tokio::spawn(Arc::clone(&world.sidecar).watch(shutdown.clone()));
    shutdown.cancel();
    tokio::time::timeout(SOON, watching).await.unwrap().unwrap();
}

/// C5: what no answer comes to before the process ends gets one from us. A connection that breaks
/// off costs some clients their session.
#[tokio::test]
async fn what_waits_at_the_end_is_answered() {
    let asked = std::sync::Arc::new(tokio::sync::Notify::new());
    let noted = std::sync::Arc::clone(&asked);
    let world = World::with(
        move |_| {
            noted.notify_one();
            Box::pin(std::future::pending())
        },
        |config| config.limits.drain_grace = std::time::Duration::from_millis(20),
    )
    .await;
    let (sidecar, ask) = (world.sidecar.clone(), call().bearer(&world.token("mcp:read")));
    let waiting = tokio::spawn(async move { sidecar.handle(ask.build()).await });
    asked.notified().await;
    world.sidecar.drain();
    let answered = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!(answered.status(), 503);
    assert_eq!(answered.headers()["retry-after"], "5");
}

/// As if so much time had passed, for the timers of this thread.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// C4: a comment every fifteen seconds into each kind of stream that is silent, and never into the
/// middle of an event.
#[tokio::test]
async fn silent_streams_show_that_they_live() {
    let (world, mut opened) = feeding().await;
    let token = world.token("mcp:read");
    let standing = get("/mcp").header("accept", "text/event-stream");
    let listening = modern("subscriptions/listen", &json!({ "notifications": {} }));
    for ask in [call(), standing, listening] {
        let mut body = open(&world, ask.bearer(&token)).await;
        let feed = opened.recv().await.unwrap();
        feed.send(PROGRESS).unwrap();
        assert_eq!(next(&mut body).await, PROGRESS);
        for _ in 0..3 {
            assert!(next(&mut body).now_or_never().is_none());
            pass(14).await;
            assert!(next(&mut body).now_or_never().is_none());
            pass(1).await;
            assert_eq!(next(&mut body).await, ": keep-alive\n\n");
        }
        feed.send(PROGRESS).unwrap();
        assert_eq!(next(&mut body).await, PROGRESS);
    }
    let mut body = open(&world, call().bearer(&token)).await;
    let feed = opened.recv().await.unwrap();
    feed.send("data: half").unwrap();
    assert_eq!(next(&mut body).await, "data: half");
    assert!(next(&mut body).now_or_never().is_none());
    pass(40).await;
    assert!(next(&mut body).now_or_never().is_none(), "a comment would be part of the event");
    feed.send(" an event\n\n").unwrap();
    assert_eq!(next(&mut body).await, " an event\n\n");
}
