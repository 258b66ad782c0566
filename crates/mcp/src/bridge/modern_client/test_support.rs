//! For tests: a session with a legacy server that says only what it is told to.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, Method};
use kernel::seal::SealingKey;
use kernel::{ManualClock, OsRandom, Timestamp};
use protocol::audit::Report;
use protocol::jsonrpc::{Body, Message};
use protocol::status_list::StatusList;
use protocol::{ResourceUri, Scope, Scopes};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};
use upstream::connection::legacy::{Declared, LegacyPeer};
use upstream::connection::{
    Caller, Connection, ConnectionError, Question, ResponseStream, ServerMessage,
};

use super::bridged_request::BridgedRequest;
use crate::access::Permit;
use crate::bridge::Crossing;
use crate::outbound::Probe;
use crate::request::Call;
use crate::sidecar::Sidecar;
use crate::{
    AllowedOrigins, Authority, AuthorityAway, ChildConfig, Config, EraChoice, HttpConfig, Limits,
    PolicyConfig, ServerConfig, Transport, UpstreamAuth, UpstreamConfig,
};

/// A sidecar whose only server is a child, and one session with it.
pub(super) struct Fake {
    pub(super) sidecar: Arc<Sidecar>,
    pub(super) peer: Arc<LegacyPeer>,
    /// What the server hears that wants no answer.
    told: mpsc::UnboundedReceiver<String>,
    connection: Weak<FakeLink>,
}

struct FakeLink {
    said: broadcast::Sender<Arc<ServerMessage>>,
    telling: mpsc::UnboundedSender<String>,
    closed: AtomicBool,
}

/// The session's end of it.
struct Shared(Arc<FakeLink>);

struct Silent;

impl Fake {
    pub(super) async fn new(shared_by_everyone: bool) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let random = Arc::new(OsRandom::new());
        let config = config(shared_by_everyone);
        let sidecar = Sidecar::new(config, Arc::new(Silent), clock, random).unwrap();
        let (telling, told) = mpsc::unbounded_channel();
        let closed = AtomicBool::new(false);
        let connection = Arc::new(FakeLink { said: broadcast::channel(16).0, telling, closed });
        let below = Arc::downgrade(&connection);
        let caller = Permit::without_token([1; 32]).caller(HeaderMap::new());
        let declared = Declared {
            version: "2025-11-25".to_owned(),
            capabilities: "{}".to_owned(),
            client_info: "{}".to_owned(),
        };
        let peer =
            LegacyPeer::open(Box::new(Shared(connection)), &caller, &declared).await.unwrap();
        let mut fake = Self { sidecar, peer: Arc::new(peer), told, connection: below };
        assert_eq!(fake.told().await["method"], "notifications/initialized");
        fake
    }

    /// A request of a client that can fill forms.
    pub(super) fn asked(&self, principal: u8, method: &str, params: &Value) -> BridgedRequest {
        let mut params = params.clone();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        });
        let body = json!({ "jsonrpc": "2.0", "id": "id", "method": method, "params": params });
        let body = Bytes::from(body.to_string());
        let Ok(Body::One(Message::Request { id, params, .. })) = Body::read(&body) else {
            panic!("a request");
        };
        let (shared, server) = self.sidecar.inside();
        let permit = Permit::without_token([principal; 32]);
        let call = Call {
            shared,
            server: &server,
            permit: &permit,
            method: Method::POST,
            headers: &HeaderMap::new(),
            record: &shared.no_record(&server),
            id: Some(id.get()),
            session: None,
        };
        let crossing =
            Crossing { call: &call, state: &self.sidecar.bridge(), cause: Probe::Reply.into() };
        let asked = BridgedRequest::read(&crossing, method, &params, body.clone());
        asked.unwrap_or_else(|_| panic!("a good request"))
    }

    /// The server says something on no request's account.
    pub(super) fn say(&self, message: &Value) {
        let heard = ServerMessage::read(Bytes::from(message.to_string())).unwrap();
        let connection = self.connection.upgrade().unwrap();
        assert!(connection.said.send(Arc::new(heard)).is_ok(), "somebody listens");
    }

    /// The next thing that the server is told.
    pub(super) async fn told(&mut self) -> Value {
        let told = tokio::time::timeout(Duration::from_secs(10), self.told.recv()).await;
        serde_json::from_str(&told.unwrap().unwrap()).unwrap()
    }
}

impl Connection for Shared {
    fn ask<'a>(
        &'a self,
        _caller: &'a Caller,
        question: Question,
    ) -> BoxFuture<'a, Result<ResponseStream, ConnectionError>> {
        let result = match &*question.method {
            "initialize" => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": { "listChanged": true },
                                  "resources": { "subscribe": true } },
            }),
            "resources/subscribe" | "resources/unsubscribe" => json!({}),
            // A call that is never answered.
            _ => {
                return async { Ok(ResponseStream::new(stream::pending().boxed(), || ())) }.boxed();
            }
        };
        let answer = json!({ "jsonrpc": "2.0", "id": question.id, "result": result }).to_string();
        let heard = ServerMessage::read(Bytes::from(answer));
        async move { Ok(ResponseStream::new(stream::iter([heard]).boxed(), || ())) }.boxed()
    }

    fn tell<'a>(
        &'a self,
        _caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        let told = self.0.telling.send(text).map_err(|_| ConnectionError::Broken);
        async move { told }.boxed()
    }

    fn listen(&self, _caller: &Caller) -> broadcast::Receiver<Arc<ServerMessage>> {
        self.0.said.subscribe()
    }

    fn agreed(&self, _version: &str) {}

    fn is_open(&self) -> bool {
        !self.0.closed.load(Ordering::SeqCst)
    }

    fn close(&self, _caller: &Caller) {
        self.0.closed.store(true, Ordering::SeqCst);
    }
}

impl Authority for Silent {
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        away().boxed()
    }

    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        away().boxed()
    }

    fn status(&self, _list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
        away().boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn report<'a>(&'a self, _report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
        away().boxed()
    }
}

async fn away<T>() -> Result<T, AuthorityAway> {
    std::future::ready(Err(AuthorityAway { reason: String::new() })).await
}

fn config(shared_by_everyone: bool) -> Config {
    let child = ChildConfig {
        command: vec!["server".to_owned()],
        environment: Vec::new(),
        directory: None,
        shared_by_everyone,
        limit: 1,
        idle_seconds: 60,
    };
    let server = ServerConfig {
        name: "default".to_owned(),
        title: "Workflow".to_owned(),
        path: "/mcp".to_owned(),
        resource: ResourceUri::parse("https://gate.example/mcp").unwrap(),
        resource_metadata_url: "https://gate.example/metadata".to_owned(),
        metadata_paths: Vec::new(),
        ceiling: Scopes::ALL,
        upstream: UpstreamConfig {
            name: "default".to_owned(),
            url: http::Uri::from_static("http://localhost/"),
            transport: Transport::Stdio(child),
            eras: EraChoice::Legacy,
            http: HttpConfig::default(),
            auth: UpstreamAuth::None,
        },
        sse: None,
        policy: PolicyConfig {
            rules: Vec::new(),
            default_scope: Scope::Read,
            trust_annotations: false,
        },
        list_cache_seconds: 0,
    };
    Config {
        servers: vec![server],
        issuer: "https://gate.example".to_owned(),
        allowed_hosts: Vec::new(),
        allowed_origins: AllowedOrigins::default(),
        sealing_key: SealingKey::from_bytes([7; 32]),
        peer_url: None,
        observe: crate::config::Observe::default(),
        max_status_age_seconds: 600,
        limits: Limits::default(),
    }
}
