//! Upstreams of 2024-11-05: a standing GET and POSTs (D-62).

use std::sync::{Arc, Mutex};

use http::Method;
use mcp::{EraChoice, Transport};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::support::{Recorded, Reply, SOON, World, modern, open_events, status};

const EVENTS: &str = "text/event-stream";

/// A server whose stream begins with this event, and that answers on it whatever is posted.
fn scripted(first: &'static str) -> (impl Fn(&Recorded) -> Reply, Arc<Notify>) {
    let stream: Mutex<Option<mpsc::UnboundedSender<&'static str>>> = Mutex::new(None);
    let posted = Arc::new(Notify::new());
    let noted = Arc::clone(&posted);
    let reply = move |request: &Recorded| {
        if request.method == Method::GET {
            let (sender, events) = mpsc::unbounded_channel();
            sender.send(first).unwrap();
            *stream.lock().unwrap() = Some(sender);
            return open_events(events);
        }
        let message = request.message();
        if let Some(sender) = &*stream.lock().unwrap()
            && !message["id"].is_null()
        {
            let answer = json!({ "jsonrpc": "2.0", "id": message["id"],
                "result": { "protocolVersion": "2024-11-05", "capabilities": {} } });
            let event = format!("event: message\ndata: {answer}\n\n");
            let _ = sender.send(event.leak());
        }
        noted.notify_one();
        status(202, &[], "Accepted")
    };
    (reply, posted)
}

async fn world(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> World {
    World::with(reply, |config| {
        config.servers[0].upstream.transport = Transport::HttpSse;
        config.servers[0].upstream.eras = EraChoice::Auto;
    })
    .await
}

/// D-62: the handshake goes over the address that the stream names; answers come on the stream.
#[tokio::test]
async fn d_62_a_session_over_two_endpoints() {
    let (reply, posted) = scripted("event: endpoint\ndata: messages?session=1\n\n");
    let world = world(reply).await;
    let ask = modern("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"));
    let sidecar = Arc::clone(&world.sidecar);
    let asking = tokio::spawn(async move { sidecar.handle(ask.build()).await.status() });
    for _ in 0..2 {
        tokio::time::timeout(SOON, posted.notified()).await.unwrap();
    }
    let requests = world.server.requests();
    assert_eq!((&requests[0].method, requests[0].header("accept")), (&Method::GET, EVENTS));
    assert_eq!(requests[0].header("x-wicketgate-subject"), "sub_1");
    let posts: Vec<&Recorded> = requests.iter().filter(|r| r.method == Method::POST).collect();
    assert_eq!(posts[0].rpc_method(), "initialize");
    assert_eq!(posts[1].rpc_method(), "notifications/initialized");
    for post in posts {
        assert_eq!(post.uri.to_string(), "/upstream/messages?session=1");
        assert!(!post.headers.contains_key("authorization"), "T-MCP-41");
        assert_eq!(post.header("x-wicketgate-subject"), "sub_1");
    }
    asking.abort();
}

/// G-32: an address elsewhere gets nothing, and neither do streams that name none.
#[tokio::test]
async fn g_32_an_address_elsewhere() {
    for first in [
        "event: endpoint\ndata: http://127.0.0.1:1/messages\n\n",
        "event: endpoint\ndata: //evil.example/messages\n\n",
        "event: message\ndata: {}\n\n",
    ] {
        let (reply, _posted) = scripted(first);
        let world = world(reply).await;
        let ask = modern("tools/call", &json!({ "name": "get_x" }));
        let answer = world.ask(ask.bearer(&world.token("mcp:read"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{first}");
        let requests = world.server.requests();
        assert!(requests.iter().all(|request| request.method == Method::GET));
    }
}
