//! The standing stream of a session (D-57).

use std::pin::pin;
use std::time::Duration;

use http::StatusCode;
use mcp::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::script::{Client, next, of_method, result, said, stream, world};
use crate::support::{SOON, World};

/// One subscription at the upstream: its id, what it is for, and the way to speak on it.
struct Subscription {
    id: Value,
    wanted: Value,
    feed: mpsc::UnboundedSender<String>,
    /// The answer that ends it.
    end: String,
}

impl Subscription {
    fn acknowledge(&self) {
        self.say("notifications/subscriptions/acknowledged", json!({ "notifications": {} }));
    }

    fn say(&self, method: &str, mut params: Value) {
        params["_meta"] = json!({ "io.modelcontextprotocol/subscriptionId": self.id });
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.feed.send(message.to_string()).unwrap();
    }

    async fn closed(&self) {
        tokio::time::timeout(SOON, self.feed.closed()).await.expect("it is closed soon");
    }
}

type Opened = mpsc::UnboundedReceiver<Subscription>;

async fn subscribable() -> (World, Opened) {
    let (open, opened) = mpsc::unbounded_channel();
    let world = world(move |request| {
        if request.rpc_method() != "subscriptions/listen" {
            return result(request, &json!({}));
        }
        let (feed, events) = mpsc::unbounded_channel();
        let (message, end) = (request.message(), said(request, &json!({})));
        let (id, wanted) = (message["id"].clone(), message["params"]["notifications"].clone());
        open.send(Subscription { id, wanted, feed, end }).unwrap();
        stream(events)
    })
    .await;
    (world, opened)
}

async fn soon(opened: &mut Opened) -> Subscription {
    tokio::time::timeout(SOON, opened.recv()).await.expect("it is opened soon").unwrap()
}

async fn listen(world: &World, client: &Client) -> Body {
    let response = world.sidecar.handle(client.listen().build()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn subscribe(world: &World, client: &Client, how: &str, uri: &str) {
    let ask = client.ask(1, &format!("resources/{how}"), &json!({ "uri": uri }));
    assert_eq!(world.ask(ask).await.json()["result"], json!({}));
}

/// D-57: one subscription for everything; a new one is open before the old one closes.
#[tokio::test]
async fn d_57_one_subscription_that_follows() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    subscribe(&world, &client, "subscribe", "a:1").await;
    assert!(of_method(&world, "subscriptions/listen").is_empty(), "nobody listens yet");
    let mut body = listen(&world, &client).await;
    let first = soon(&mut opened).await;
    let wanted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1"] });
    assert_eq!(first.wanted, wanted, "only what the server announces");
    let sent = of_method(&world, "subscriptions/listen").remove(0);
    assert_eq!(sent.header("mcp-method"), "subscriptions/listen");
    first.acknowledge();
    first.say("notifications/resources/updated", json!({ "uri": "a:1" }));
    // C-71, C-70: neither the subscription's id nor its acknowledgement reaches the client.
    assert_eq!(
        next(&mut body).await,
        json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated",
                "params": { "uri": "a:1" } })
    );
    first.say("notifications/somewhat/new", json!({}));
    first.say("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut body).await["method"], "notifications/tools/list_changed");

    subscribe(&world, &client, "subscribe", "a:2").await;
    let second = soon(&mut opened).await;
    assert_eq!(second.wanted["resourceSubscriptions"], json!(["a:1", "a:2"]));
    assert_ne!(first.id, second.id);
    assert!(!first.feed.is_closed(), "the old one stays until the new one stands");
    second.acknowledge();
    first.closed().await;
    second.say("notifications/resources/updated", json!({ "uri": "a:2" }));
    assert_eq!(next(&mut body).await["params"], json!({ "uri": "a:2" }));
    subscribe(&world, &client, "unsubscribe", "a:1").await;
    let third = soon(&mut opened).await;
    assert_eq!(third.wanted["resourceSubscriptions"], json!(["a:2"]));
    third.acknowledge();
    second.closed().await;
    drop(body);
    third.closed().await;
}

/// A client that was told of its subscription misses nothing from then on: the answer waits until
/// the subscription stands behind.
#[tokio::test]
async fn d_57_answered_when_it_stands() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let acknowledged = async { soon(&mut opened).await.acknowledge() };
    let (mut body, ()) = tokio::join!(listen(&world, &client), acknowledged);
    let mut subscribing = pin!(subscribe(&world, &client, "subscribe", "a:1"));
    let second = tokio::select! {
        second = soon(&mut opened) => second,
        () = &mut subscribing => panic!("nothing stands yet"),
    };
    let early = tokio::time::timeout(Duration::from_millis(100), &mut subscribing).await;
    assert!(early.is_err(), "nothing stands yet");
    second.acknowledge();
    second.say("notifications/resources/updated", json!({ "uri": "a:1" }));
    subscribing.await;
    assert_eq!(next(&mut body).await["params"], json!({ "uri": "a:1" }));
}

/// D-02: nothing to listen to without a session; the latest stream of a session is the one.
#[tokio::test]
async fn d_57_one_stream_for_each_session() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let without = client.listen().without("mcp-session-id");
    let answer = world.ask(without).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
    let mut older = listen(&world, &client).await;
    let first = soon(&mut opened).await;
    let mut newer = listen(&world, &client).await;
    let second = soon(&mut opened).await;
    first.closed().await;
    while crate::support::frame(&mut older).await.is_some() {}
    second.acknowledge();
    second.say("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut newer).await["method"], "notifications/tools/list_changed");
    assert_eq!(world.ask(client.end()).await.status, 204);
    second.closed().await;
    while crate::support::frame(&mut newer).await.is_some() {}
}

/// A subscription that ends behind is opened again, and the client notices nothing.
#[tokio::test]
async fn d_57_a_subscription_comes_back() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let mut body = listen(&world, &client).await;
    let first = soon(&mut opened).await;
    first.acknowledge();
    first.feed.send(first.end.clone()).unwrap();
    let second = soon(&mut opened).await;
    assert_eq!(second.wanted, first.wanted);
    second.acknowledge();
    second.say("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut body).await["method"], "notifications/tools/list_changed");
}

/// T-MCP-49: the stream ends with the token, and so does what it stood for.
#[tokio::test]
async fn t_mcp_49_the_stream_ends_with_the_token() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let mut body = listen(&world, &client).await;
    let subscription = soon(&mut opened).await;
    subscription.acknowledge();
    world.authority.revoke(5);
    world.settle().await;
    while crate::support::frame(&mut body).await.is_some() {}
    drop(body);
    subscription.closed().await;
}

/// T-MCP-50, G-44: streams are counted; subscriptions that cannot be served are refused.
#[tokio::test]
async fn t_mcp_50_limits() {
    let (world, mut opened) = subscribable().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let mut bodies = Vec::new();
    for _ in 0..10 {
        let client = Client::open(&world, "2025-11-25", "{}").await;
        bodies.push(listen(&world, &client).await);
        soon(&mut opened).await;
    }
    assert_eq!(world.ask(client.listen()).await.status, 429);
    let params = json!({ "uri": "x".repeat(3_000) });
    let long = world.ask(client.ask(1, "resources/subscribe", &params)).await;
    assert_eq!((long.status.as_u16(), long.code()), (200, -32602));
    let none = world.ask(client.ask(1, "resources/subscribe", &json!({}))).await;
    assert_eq!((none.status.as_u16(), none.code()), (200, -32602));
}
