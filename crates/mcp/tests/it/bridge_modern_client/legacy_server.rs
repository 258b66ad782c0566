//! A legacy server whose calls the test answers by hand, and the modern client before it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Method;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use mcp::{Body, Config, EraChoice, Sidecar};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Answer, Ask, Recorded, Reply, SOON, World, frame, json, post, status, text};

/// A world with such a server.
pub(super) struct Legacy {
    pub(super) world: World,
    pub(super) token: String,
    calls: tokio::sync::Mutex<mpsc::UnboundedReceiver<Running>>,
    told: tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>,
    forgotten: Arc<Mutex<Vec<String>>>,
}

/// A call that the server works on. Dropping it breaks the stream off.
pub(super) struct Running {
    pub(super) params: Value,
    pub(super) subject: String,
    id: Value,
    feed: mpsc::UnboundedSender<Value>,
}

/// What the server answers to everything but calls: `result` or `error` as members.
pub(super) type Answering = fn(&Value) -> Value;

impl Legacy {
    pub(super) async fn new(answering: Answering) -> Self {
        Self::with(answering, |_| {}).await
    }

    pub(super) async fn with(answering: Answering, change: impl FnOnce(&mut Config)) -> Self {
        let (calls, coming) = mpsc::unbounded_channel();
        let (telling, told) = mpsc::unbounded_channel();
        let forgotten: Arc<Mutex<Vec<String>>> = Arc::default();
        let (gone, sessions) = (Arc::clone(&forgotten), AtomicUsize::new(0));
        let reply = move |request: &Recorded| {
            if request.method != Method::POST {
                return status(405, &[], "");
            }
            let message = request.message();
            let session = request.header("mcp-session-id");
            if gone.lock().unwrap().iter().any(|known| known == session) {
                return status(404, &[], "");
            }
            match (message.get("id"), message["method"].as_str()) {
                (Some(id), Some("initialize")) => {
                    let number = sessions.fetch_add(1, Ordering::SeqCst);
                    opened(id, &message, number)
                }
                (Some(id), Some("tools/call")) => {
                    let (feed, events) = mpsc::unbounded_channel();
                    let params = message["params"].clone();
                    let subject = request.header("x-wicketgate-subject").to_owned();
                    let id = id.clone();
                    calls.send(Running { params, subject, id, feed }).unwrap();
                    stream(events)
                }
                (Some(id), Some(_)) => {
                    let mut answer = answering(&message);
                    answer["jsonrpc"] = "2.0".into();
                    answer["id"] = id.clone();
                    json(&answer.to_string())
                }
                (None, Some("notifications/initialized")) => status(202, &[], ""),
                _ => {
                    telling.send(message).unwrap();
                    status(202, &[], "")
                }
            }
        };
        let world = World::with(reply, |config| {
            config.servers[0].upstream.eras = EraChoice::Legacy;
            change(config);
        })
        .await;
        let token = world.token("mcp:read");
        let (calls, told) = (tokio::sync::Mutex::new(coming), tokio::sync::Mutex::new(told));
        Self { world, token, calls, told, forgotten }
    }

    /// A second sidecar before the same server.
    pub(super) fn replica(&self, change: impl FnOnce(&mut Config)) -> Arc<Sidecar> {
        self.world.replica_with(|config| {
            config.servers[0].upstream.eras = EraChoice::Legacy;
            change(config);
        })
    }

    /// The next call that reaches the server.
    pub(super) async fn call(&self) -> Running {
        let mut calls = self.calls.lock().await;
        tokio::time::timeout(SOON, calls.recv()).await.expect("a call comes soon").unwrap()
    }

    /// The next notification or answer that reaches the server, but for `initialized`.
    pub(super) async fn told(&self) -> Value {
        let mut told = self.told.lock().await;
        tokio::time::timeout(SOON, told.recv()).await.expect("it is told soon").unwrap()
    }

    /// Whether the server was told nothing more up to now.
    pub(super) async fn told_nothing(&self) -> bool {
        self.told.lock().await.try_recv().is_err()
    }

    /// Makes the server forget a session.
    pub(super) fn forget(&self, session: &str) {
        self.forgotten.lock().unwrap().push(session.to_owned());
    }

    pub(super) async fn ask(&self, ask: Ask) -> Answer {
        self.world.ask(ask.bearer(&self.token)).await
    }

    /// Opens a streamed answer.
    pub(super) async fn open(&self, ask: Ask) -> Body {
        let response = self.world.sidecar.handle(ask.bearer(&self.token).build()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body()
    }

    /// What the server was sent of this method.
    pub(super) fn sent(&self, method: &str) -> Vec<Recorded> {
        let requests = self.world.server.requests();
        requests.into_iter().filter(|request| request.rpc_method() == method).collect()
    }
}

impl Running {
    /// Sends a message on the call's stream.
    pub(super) fn say(&self, message: &Value) {
        self.feed.send(message.clone()).unwrap();
    }

    pub(super) fn finish(&self, result: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": self.id, "result": result }));
    }

    pub(super) fn fail(&self, error: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": self.id, "error": error }));
    }

    /// Asks the client something under this id.
    pub(super) fn question(&self, id: &str, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    /// Asks for a form to be filled.
    pub(super) fn elicit(&self, id: &str, message: &str) {
        let schema = json!({ "type": "object", "properties": {} });
        let params = json!({ "message": message, "requestedSchema": schema });
        self.question(id, "elicitation/create", &params);
    }

    /// Waits until the stream is closed from the other side.
    pub(super) async fn abandoned(&self) {
        tokio::time::timeout(SOON, self.feed.closed()).await.expect("the server sees it");
    }
}

/// A modern request of a client with these capabilities.
pub(super) fn with(method: &str, params: &Value, capabilities: &Value) -> Ask {
    numbered(&json!(7), method, params, capabilities)
}

/// The same under another id.
pub(super) fn numbered(id: &Value, method: &str, params: &Value, capabilities: &Value) -> Ask {
    let mut params = params.clone();
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    meta["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let ask = post(&body.to_string())
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    match params.get("name").or(params.get("uri")).and_then(Value::as_str) {
        Some(name) => ask.header("mcp-name", name),
        None => ask,
    }
}

/// A call of a tool.
pub(super) fn call(id: &Value) -> Ask {
    numbered(id, "tools/call", &json!({ "name": "get_x" }), &json!({ "elicitation": {} }))
}

/// The next message of a streamed answer.
pub(super) async fn next(body: &mut Body) -> Value {
    let event = frame(body).await.expect("one more event").unwrap();
    let data = text(&event).strip_prefix("event: message\ndata: ").unwrap();
    serde_json::from_str(data).unwrap()
}

/// A server without any surprise.
pub(super) fn plain(_message: &Value) -> Value {
    json!({ "result": {} })
}

fn opened(id: &Value, message: &Value, number: usize) -> Reply {
    let list = json!({ "listChanged": true });
    let result = json!({
        "protocolVersion": message["params"]["protocolVersion"],
        "capabilities": { "tools": list, "prompts": {}, "logging": {}, "tasks": {},
                          "resources": { "subscribe": true, "listChanged": true } },
        "serverInfo": { "name": "old", "version": "1" },
        "instructions": "Be kind.",
    });
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
    let session = format!("session-{number}");
    let headers = [("content-type", "application/json"), ("mcp-session-id", session.as_str())];
    status(200, &headers, &answer)
}

fn stream(mut events: mpsc::UnboundedReceiver<Value>) -> Reply {
    let messages = futures_util::stream::poll_fn(move |cx| events.poll_recv(cx));
    let frames =
        messages.map(|message| Ok(Frame::data(Bytes::from(format!("data: {message}\n\n")))));
    let mut response = http::Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    Box::pin(async { response })
}
