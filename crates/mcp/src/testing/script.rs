//! An upstream that does what the test says, message by message, over no transport at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};
use upstream::connection::{
    Caller, Connection, ConnectionError, Question, ResponseStream, ServerMessage,
};

use super::SOON;
use crate::Sidecar;

/// The test's end of all connections.
pub(crate) struct Script {
    asked: tokio::sync::Mutex<mpsc::UnboundedReceiver<SeenRequest>>,
    told: tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>,
    wire: Arc<Wire>,
}

/// A request that waits for what the test says.
pub(crate) struct SeenRequest {
    pub(crate) message: Value,
    pub(crate) text: String,
    said: mpsc::UnboundedSender<Result<ServerMessage, ConnectionError>>,
    cancelled: Arc<AtomicBool>,
}

struct Wire {
    asked: mpsc::UnboundedSender<SeenRequest>,
    told: mpsc::UnboundedSender<Value>,
    news: broadcast::Sender<Arc<ServerMessage>>,
    opened: Mutex<Vec<Value>>,
    open: AtomicBool,
}

struct ScriptLink(Arc<Wire>);

impl Script {
    pub(crate) fn new() -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        let (tells, told) = mpsc::unbounded_channel();
        let wire = Wire {
            asked: asks,
            told: tells,
            news: broadcast::channel(16).0,
            opened: Mutex::default(),
            open: AtomicBool::new(true),
        };
        Self { asked: asked.into(), told: told.into(), wire: Arc::new(wire) }
    }

    /// Becomes the upstream.
    pub(crate) fn stand_behind(&self, sidecar: &Sidecar) {
        let server = sidecar.server("default").unwrap();
        server.endpoint.upstream.follow(self.connect());
    }

    fn connect(&self) -> upstream::test_support::Script {
        let wire = Arc::clone(&self.wire);
        Box::new(move || {
            wire.open.store(true, Ordering::SeqCst);
            Box::new(ScriptLink(Arc::clone(&wire)))
        })
    }

    /// The next request.
    pub(crate) async fn asked(&self) -> SeenRequest {
        let mut asked = self.asked.lock().await;
        tokio::time::timeout(SOON, asked.recv()).await.expect("a request soon").unwrap()
    }

    /// The next notification or answer.
    pub(crate) async fn told(&self) -> Value {
        let mut told = self.told.lock().await;
        tokio::time::timeout(SOON, told.recv()).await.expect("a message soon").unwrap()
    }

    /// Whether nothing was said that the test did not take.
    pub(crate) async fn is_silent(&self) -> bool {
        self.asked.lock().await.is_empty() && self.told.lock().await.is_empty()
    }

    /// Says something on no request's account.
    pub(crate) fn say(&self, message: &Value) {
        self.wire.news.send(Arc::new(heard(&message.to_string()))).unwrap();
    }

    /// Parameters of each `initialize`.
    pub(crate) fn opened(&self) -> Vec<Value> {
        self.wire.opened.lock().unwrap().clone()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.wire.open.load(Ordering::SeqCst)
    }

    /// The server is gone.
    pub(crate) fn die(&self) {
        self.wire.open.store(false, Ordering::SeqCst);
    }
}

impl SeenRequest {
    /// Says something on account of this request.
    pub(crate) fn say(&self, text: &str) {
        self.said.send(Ok(heard(text))).unwrap();
    }

    /// Answers it with this result.
    pub(crate) fn answer(&self, result: &Value) {
        let id = &self.message["id"];
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
    }

    /// Answers it as one that does not know the method.
    pub(crate) fn refuse(&self) {
        let error = json!({ "code": -32601, "message": "unknown" });
        let answer = json!({ "jsonrpc": "2.0", "id": self.message["id"], "error": error });
        self.say(&answer.to_string());
    }

    /// The connection fails.
    pub(crate) fn fail(&self, error: ConnectionError) {
        self.said.send(Err(error)).unwrap();
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

fn heard(text: &str) -> ServerMessage {
    ServerMessage::read(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

impl Connection for ScriptLink {
    fn ask<'a>(
        &'a self,
        _caller: &'a Caller,
        question: Question,
    ) -> BoxFuture<'a, Result<ResponseStream, ConnectionError>> {
        let message: Value = serde_json::from_str(&question.text).unwrap();
        if &*question.method == "initialize" {
            let version = message["params"]["protocolVersion"].clone();
            self.0.opened.lock().unwrap().push(message["params"].clone());
            let answer = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"protocolVersion\":{version}, \
                 \"capabilities\":{{\"resources\":{{}},\"tools\":{{}}}},\"x\":1.0}}}}",
                question.id
            );
            let answered = stream::iter([Ok(heard(&answer))]).boxed();
            return Box::pin(async { Ok(ResponseStream::new(answered, || ())) });
        }
        let (said, saying) = mpsc::unbounded_channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&cancelled);
        self.0.asked.send(SeenRequest { message, text: question.text, said, cancelled }).unwrap();
        let saying =
            stream::unfold(saying, |mut saying| async { Some((saying.recv().await?, saying)) });
        let exchange =
            ResponseStream::new(saying.boxed(), move || mark.store(true, Ordering::SeqCst));
        Box::pin(async { Ok(exchange) })
    }

    fn tell<'a>(
        &'a self,
        _caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["method"] != "notifications/initialized" {
            self.0.told.send(message).unwrap();
        }
        Box::pin(async { Ok(()) })
    }

    fn listen(&self, _caller: &Caller) -> broadcast::Receiver<Arc<ServerMessage>> {
        self.0.news.subscribe()
    }

    fn agreed(&self, _version: &str) {}

    fn is_open(&self) -> bool {
        self.0.open.load(Ordering::SeqCst)
    }

    fn close(&self, _caller: &Caller) {
        self.0.open.store(false, Ordering::SeqCst);
    }
}
