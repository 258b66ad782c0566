//! Two sidecars with one configuration: what only one of them holds is found from the other.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::Uri;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcp::{EraChoice, Sidecar};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::script::{ABLE, Client, done, next, of_method, result, stream, world_with};
use crate::support::{Answer, Ask, Recorded, Reply, SOON, World};

/// A world whose sidecar can be reached by the other one that comes with it.
async fn two(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> (World, Arc<Sidecar>) {
    let (world, [replica]) = replicas(reply).await;
    (world, replica)
}

/// The same with this many others.
async fn replicas<const N: usize>(
    reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
) -> (World, [Arc<Sidecar>; N]) {
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = own.local_addr().unwrap();
    let world = world_with(reply, |config| {
        config.peer_url = Some(url(address));
        config.allowed_hosts.push("127.0.0.1".to_owned());
    })
    .await;
    serve(own, Arc::clone(&world.sidecar));
    let mut others = Vec::new();
    for _ in 0..N {
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap();
        let replica = world.replica_with(|config| {
            config.servers[0].upstream.eras = EraChoice::Modern;
            config.peer_url = Some(url(address));
            config.allowed_hosts.push("127.0.0.1".to_owned());
        });
        serve(other, Arc::clone(&replica));
        others.push(replica);
    }
    (world, others.try_into().unwrap_or_else(|_| unreachable!("there are as many")))
}

/// A call that the upstream does not answer, and the way to say something on its stream.
type OpenCall = (Value, mpsc::UnboundedSender<String>);

/// Replicas in front of a server whose calls stay open.
async fn with_open_calls<const N: usize>()
-> (World, [Arc<Sidecar>; N], mpsc::UnboundedReceiver<OpenCall>) {
    let (open, opened) = mpsc::unbounded_channel();
    let (world, others) = replicas(move |request| {
        if request.rpc_method() != "tools/call" {
            return result(request, &json!({ "tools": [] }));
        }
        let (feed, events) = mpsc::unbounded_channel::<String>();
        open.send((request.message(), feed)).unwrap();
        stream(events)
    })
    .await;
    (world, others, opened)
}

fn cancelled(id: u32) -> Value {
    let params = json!({ "requestId": id });
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

fn url(address: SocketAddr) -> Uri {
    format!("http://{address}").parse().unwrap()
}

fn serve(listener: TcpListener, sidecar: Arc<Sidecar>) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sidecar = Arc::clone(&sidecar);
            let service = service_fn(move |request: http::Request<Incoming>| {
                let sidecar = Arc::clone(&sidecar);
                async move { Ok::<_, std::convert::Infallible>(sidecar.handle(request).await) }
            });
            let builder = hyper::server::conn::http1::Builder::new();
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
}

async fn at(replica: &Arc<Sidecar>, ask: Ask) -> Answer {
    Answer::read(replica.handle(ask.build()).await).await
}

/// D-53: the question waits where the call runs; its answer may arrive anywhere.
#[tokio::test]
async fn d_53_an_answer_finds_its_question() {
    let (world, replica) = two(|request| {
        if request.message()["params"].get("inputResponses").is_some() {
            return result(request, &done("thanks"));
        }
        let requests = json!({ "a": { "method": "roots/list" } });
        let wanted = json!({ "resultType": "input_required", "inputRequests": requests });
        result(request, &wanted)
    })
    .await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    // Neither the session's home nor where the answer goes first.
    let response = replica.handle(client.call(1, "get_x").build()).await;
    let mut body = response.into_body();
    let id = next(&mut body).await["id"].clone();
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": { "roots": [] } });
    assert_eq!(world.ask(client.say(&answer)).await.status, 202);
    assert_eq!(next(&mut body).await["result"]["content"][0]["text"], "thanks");
    assert_eq!(of_method(&world, "tools/call").len(), 2);
}

/// D-57: subscriptions and the standing stream meet at the session's home.
#[tokio::test]
async fn d_57_the_home_holds_the_stream() {
    let (open, mut opened) = mpsc::unbounded_channel();
    let (world, replica) = two(move |request| {
        if request.rpc_method() != "subscriptions/listen" {
            return result(request, &json!({}));
        }
        let (feed, events) = mpsc::unbounded_channel::<String>();
        let ack = json!({ "method": "notifications/subscriptions/acknowledged", "params": {} });
        feed.send(ack.to_string()).unwrap();
        open.send((request.message()["params"]["notifications"].clone(), feed)).unwrap();
        stream(events)
    })
    .await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let uri = json!({ "uri": "a:1" });
    let answer = at(&replica, client.ask(4, "resources/subscribe", &uri)).await;
    assert_eq!((&answer.json()["id"], &answer.json()["result"]), (&json!(4), &json!({})));
    let response = replica.handle(client.listen().build()).await;
    let mut body = response.into_body();
    let (wanted, feed) = tokio::time::timeout(SOON, opened.recv()).await.unwrap().unwrap();
    assert_eq!(wanted["resourceSubscriptions"], json!(["a:1"]));
    let news = json!({ "method": "notifications/resources/updated", "params": uri });
    feed.send(news.to_string()).unwrap();
    assert_eq!(next(&mut body).await["params"], uri);
    assert_eq!(at(&replica, client.end()).await.status, 204);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the home ends it");
    assert_eq!(world.ask(client.ask(5, "ping", &json!({}))).await.status, 404, "ended there, too");
    assert_eq!(at(&replica, client.ask(5, "ping", &json!({}))).await.status, 404);
}

/// D-56: a call that runs at the session's home is cancelled from elsewhere; a level set
/// elsewhere counts at home.
#[tokio::test]
async fn d_56_cancelling_and_levels_reach_the_home() {
    let (world, [replica], mut opened) = with_open_calls().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let level = client.ask(1, "logging/setLevel", &json!({ "level": "alert" }));
    assert_eq!(at(&replica, level).await.json()["result"], json!({}));
    let (sidecar, call) = (world.sidecar.clone(), client.call(2, "get_x").build());
    let waiting = tokio::spawn(async move { sidecar.handle(call).await });
    let (message, feed) = tokio::time::timeout(SOON, opened.recv()).await.unwrap().unwrap();
    assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/logLevel"], "alert");
    assert_eq!(at(&replica, client.say(&cancelled(2))).await.status, 202);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the stream behind closes");
    waiting.await.unwrap();
}

/// D-56: neither replica is the session's home. A call that runs at one of them is cancelled from the
/// other, hears of a level that was set there before or is set there later, and ends with the session.
#[tokio::test]
async fn d_56_cancelling_levels_and_the_end_reach_every_replica() {
    let (world, [here, there], mut opened) = with_open_calls().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let mut call = async |id: u32| {
        let (sidecar, call) = (Arc::clone(&here), client.call(id, "get_x").build());
        let waiting = tokio::spawn(async move { drop(sidecar.handle(call).await) });
        let (message, feed) = tokio::time::timeout(SOON, opened.recv()).await.unwrap().unwrap();
        let level = message["params"]["_meta"]["io.modelcontextprotocol/logLevel"].clone();
        (level, feed, waiting)
    };
    let set = async |id: u32, level: &str| {
        let set = client.ask(id, "logging/setLevel", &json!({ "level": level }));
        assert_eq!(at(&there, set).await.json()["result"], json!({}));
    };
    set(1, "alert").await;
    let (level, feed, waiting) = call(2).await;
    assert_eq!(level, "alert", "the home knew it");
    assert_eq!(at(&there, client.say(&cancelled(2))).await.status, 202);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the stream behind closes");
    waiting.await.unwrap();

    set(3, "debug").await;
    let (level, feed, waiting) = call(4).await;
    assert_eq!(level, "debug", "the home says so at once");
    assert_eq!(at(&there, client.end()).await.status, 204);
    tokio::time::timeout(SOON, feed.closed()).await.expect("it ends with the session");
    waiting.await.unwrap();
}

/// G-20: nobody but a replica names a visitor.
#[tokio::test]
async fn g_20_visitors_cannot_be_made_up() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = url(elsewhere.local_addr().unwrap()).to_string();
    let (world, replica) = two(|request| result(request, &done("ok"))).await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    for visitor in [address.as_str(), "bm90IHNlYWxlZA", ""] {
        let greeting = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let greeting = client.say(&greeting).header("x-wicketgate-visitor", visitor);
        assert_eq!(world.ask(greeting).await.status, 202);
    }
    assert_eq!(at(&replica, client.call(1, "get_x")).await.status, 200);
    let level = client.ask(2, "logging/setLevel", &json!({ "level": "alert" }));
    assert_eq!(world.ask(level).await.json()["result"], json!({}));
    // Visitors are told before the answer.
    assert!(elsewhere.accept().now_or_never().is_none(), "it was told");
}
