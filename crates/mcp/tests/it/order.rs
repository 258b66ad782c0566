//! Order within a session: what a client sends after its GET does not reach the server before the
//! stream stands there. Otherwise a server has nowhere to put what belongs on that stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use mcp::{Config, EraChoice};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use crate::sessions;
use crate::sse_front::{SSE, Stream, with_front};
use crate::support::{Ask, Recorded, Reply, SOON, Token, World, get, legacy, modern, status};

/// A server that sends the head of a stream only when the test says so, and notes of each other
/// message whether the stream stood by then.
struct Slow {
    world: Arc<World>,
    /// Set just before the head is sent.
    stands: Arc<AtomicBool>,
    go: Arc<Notify>,
    opening: mpsc::UnboundedReceiver<()>,
    heard: mpsc::UnboundedReceiver<(String, bool)>,
}

/// Whether this request opens the stream.
type Opens = fn(&Recorded) -> bool;

fn is_get(request: &Recorded) -> bool {
    request.method == Method::GET
}

impl Slow {
    async fn new(opens: Opens, change: impl FnOnce(&mut Config)) -> Self {
        let (began, opening) = mpsc::unbounded_channel();
        let (hear, heard) = mpsc::unbounded_channel();
        let (stands, go) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (standing, going) = (Arc::clone(&stands), Arc::clone(&go));
        let reply = move |request: &Recorded| -> Reply {
            if opens(request) {
                began.send(()).unwrap();
                let (standing, going) = (Arc::clone(&standing), Arc::clone(&going));
                let stream = status(200, &[("content-type", "text/event-stream")], ": hi\n\n");
                return Box::pin(async move {
                    going.notified().await;
                    standing.store(true, Ordering::SeqCst);
                    stream.await
                });
            }
            let method = request.rpc_method();
            if method == "initialize" || method.starts_with("notifications/") {
                return opened(request);
            }
            hear.send((method, standing.load(Ordering::SeqCst))).unwrap();
            let id = request.message()["id"].clone();
            let result = json!({ "resultType": "complete", "tools": [], "content": [] });
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            crate::support::json(&answer.to_string())
        };
        let world = Arc::new(World::with(reply, change).await);
        Self { world, stands, go, opening, heard }
    }

    /// Sends a request and leaves it on its way.
    fn send(&self, ask: Ask) -> tokio::task::JoinHandle<()> {
        let world = Arc::clone(&self.world);
        tokio::spawn(async move {
            world.ask(ask).await;
        })
    }

    /// The server got the request for a stream.
    async fn is_opening(&mut self) {
        tokio::time::timeout(SOON, self.opening.recv()).await.expect("it is asked for").unwrap();
    }

    /// What the server hears next, and whether the stream stood.
    async fn hears(&mut self) -> (String, bool) {
        tokio::time::timeout(SOON, self.heard.recv()).await.expect("it is heard").unwrap()
    }

    /// Lets the stream stand once this other request, which waits for nothing, was answered.
    async fn stand_after(&mut self, other: Ask) {
        let answer = self.world.ask(other).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!self.stands.load(Ordering::SeqCst));
        assert!(!self.hears().await.1, "nobody else waits");
        self.go.notify_one();
    }
}

/// The answer to what opens a session.
fn opened(request: &Recorded) -> Reply {
    let headers = [("content-type", "application/json"), ("mcp-session-id", "upstream-session")];
    let id = &request.message()["id"];
    if id.is_null() {
        return status(202, &[], "");
    }
    let version = &request.message()["params"]["protocolVersion"];
    let capabilities = json!({ "tools": {}, "resources": { "subscribe": true } });
    let server = json!({ "name": "slow", "version": "1" });
    let result =
        json!({ "protocolVersion": version, "capabilities": capabilities, "serverInfo": server });
    status(200, &headers, &json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

fn call() -> Value {
    json!({ "name": "get_x" })
}

/// Somebody else, through the same sidecar.
fn stranger(world: &World) -> String {
    Token::new("mcp:read").claim("sub", "sub_other").sign(&world.authority.key())
}

#[tokio::test]
async fn a_message_does_not_overtake_the_stream_of_its_session() {
    let mut slow = Slow::new(is_get, |_| {}).await;
    let token = slow.world.token("mcp:read");
    let session = sessions::open(&slow.world, &token, "2025-11-25").await;
    let in_session = |ask: Ask| ask.bearer(&token).header("mcp-session-id", &session);
    let _stream = slow.send(in_session(get("/mcp").header("accept", "text/event-stream")));
    slow.is_opening().await;
    let _call = slow.send(in_session(legacy("tools/call", &call())));
    slow.stand_after(legacy("ping", &json!({})).bearer(&stranger(&slow.world))).await;
    assert_eq!(slow.hears().await, ("tools/call".to_owned(), true));
}

/// A server that has nothing to send before it has something to say holds nobody up for long.
#[tokio::test]
async fn a_stream_that_never_stands_holds_its_session_up_for_a_second() {
    let mut slow = Slow::new(is_get, |_| {}).await;
    let token = slow.world.token("mcp:read");
    let session = sessions::open(&slow.world, &token, "2025-11-25").await;
    let in_session = |ask: Ask| ask.bearer(&token).header("mcp-session-id", &session);
    let _stream = slow.send(in_session(get("/mcp").header("accept", "text/event-stream")));
    slow.is_opening().await;
    let _call = slow.send(in_session(legacy("tools/call", &call())));
    assert_eq!(slow.hears().await, ("tools/call".to_owned(), false));
}

#[tokio::test]
async fn a_call_of_a_modern_client_waits_for_the_stream_of_the_legacy_session() {
    let legacy_server = |config: &mut Config| config.servers[0].upstream.eras = EraChoice::Legacy;
    let mut slow = Slow::new(is_get, legacy_server).await;
    let token = slow.world.token("mcp:read");
    let _call = slow.send(modern("tools/call", &call()).bearer(&token));
    slow.is_opening().await;
    slow.stand_after(legacy("ping", &json!({})).bearer(&stranger(&slow.world))).await;
    assert_eq!(slow.hears().await, ("tools/call".to_owned(), true));
}

#[tokio::test]
async fn a_subscription_of_a_modern_client_waits_for_the_stream_of_the_legacy_session() {
    let legacy_server = |config: &mut Config| config.servers[0].upstream.eras = EraChoice::Legacy;
    let mut slow = Slow::new(is_get, legacy_server).await;
    let token = slow.world.token("mcp:read");
    let wanted = json!({ "notifications": { "resourceSubscriptions": ["a:1"] } });
    let _listening = slow.send(modern("subscriptions/listen", &wanted).bearer(&token));
    slow.is_opening().await;
    slow.stand_after(legacy("ping", &json!({})).bearer(&stranger(&slow.world))).await;
    assert_eq!(slow.hears().await, ("resources/subscribe".to_owned(), true));
}

#[tokio::test]
async fn a_call_does_not_overtake_the_subscription_of_its_client() {
    let opens: Opens = |request| request.rpc_method() == "subscriptions/listen";
    let mut slow = Slow::new(opens, |_| {}).await;
    let token = slow.world.token("mcp:read");
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let _listening = slow.send(modern("subscriptions/listen", &wanted).bearer(&token));
    slow.is_opening().await;
    let _call = slow.send(modern("prompts/list", &json!({})).bearer(&token));
    slow.stand_after(modern("prompts/list", &json!({})).bearer(&stranger(&slow.world))).await;
    assert_eq!(slow.hears().await, ("prompts/list".to_owned(), true));
}

/// A client of 2024-11-05 has one stream for everything, and behind it the session has its own.
#[tokio::test]
async fn a_call_of_an_sse_client_waits_for_the_stream_of_its_session() {
    let mut slow = Slow::new(is_get, with_front).await;
    let token = Token::new("mcp:read").claim("aud", SSE).sign(&slow.world.authority.key());
    let mut stream = Stream::open(&slow.world, &token).await;
    stream.initialize(&slow.world).await;
    stream
        .send(&slow.world, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
        .await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call() });
    stream.send(&slow.world, &message).await;
    slow.is_opening().await;
    slow.stand_after(legacy("ping", &json!({})).bearer(&stranger(&slow.world))).await;
    assert_eq!(slow.hears().await, ("tools/call".to_owned(), true));
}
