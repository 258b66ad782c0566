//! A running demo server, and a small MCP client that shows everything it receives.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use demo::{DemoConfig, header};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes, and far shorter than a slow report would.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server of its own for one test. It ends with the test.
pub(crate) struct Demo {
    pub(crate) address: SocketAddr,
    pub(crate) cancel: CancellationToken,
}

/// The headers that name a caller.
#[derive(Clone)]
pub(crate) struct Who(pub(crate) Vec<(&'static str, &'static str)>);

/// Which protocol generation a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// `initialize` and a session, with this version.
    Sessions(&'static str),
    /// 2026-07-28: each request stands alone.
    Stateless,
}

pub(crate) const ERAS: [Era; 3] =
    [Era::Sessions("2025-03-26"), Era::Sessions("2025-11-25"), Era::Stateless];

/// An MCP client.
pub(crate) struct Client {
    address: SocketAddr,
    who: Who,
    era: Era,
    session: Option<String>,
}

/// A response whose messages are taken out one by one as they arrive.
pub(crate) struct Stream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    buffer: String,
    sse: bool,
}

impl Demo {
    /// Starts a server that believes everybody.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a server that believes whoever shows this secret.
    pub(crate) async fn start_with(secret: Option<&str>) -> Self {
        let cancel = CancellationToken::new();
        let config = DemoConfig {
            shared_secret: secret.map(str::to_owned),
            seating: demo::Seating::ByUsername,
        };
        let router = demo::router(config, cancel.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = cancel.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap();
        });
        Self { address, cancel }
    }

    pub(crate) async fn client(&self, era: Era, who: Who) -> Client {
        let mut client = Client { address: self.address, who, era, session: None };
        if let Era::Sessions(version) = era {
            client.initialize(version).await;
        }
        client
    }

    /// A client of the newest generation.
    pub(crate) async fn stateless(&self, who: Who) -> Client {
        self.client(Era::Stateless, who).await
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Who {
    pub(crate) fn anonymous() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn basic() -> Self {
        Self::seeded("s-basic", "basic", "basic", "mcp:read mcp:write")
    }

    pub(crate) fn manager() -> Self {
        let scopes = "mcp:read mcp:write mcp:process_admin";
        Self::seeded("s-manager", "manager", "process_manager", scopes)
    }

    pub(crate) fn admin() -> Self {
        let scopes = "mcp:read mcp:write mcp:process_admin mcp:admin";
        Self::seeded("s-admin", "admin", "administrator", scopes)
    }

    fn seeded(
        subject: &'static str,
        username: &'static str,
        user_type: &'static str,
        scopes: &'static str,
    ) -> Self {
        Self(vec![
            (header::SUBJECT, subject),
            (header::USERNAME, username),
            (header::USER_TYPE, user_type),
            (header::SCOPES, scopes),
            (header::CLIENT, "test-client"),
        ])
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.0.push((name, value));
        self
    }
}

impl Client {
    /// Asks and waits for the answer: what lies in `result`, or in `error`.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let mut messages = self.send(method, params).await.rest().await;
        let answer = messages.pop().expect("an answer");
        assert!(messages.is_empty(), "nothing but the answer: {messages:?}");
        answer
    }

    /// Calls a tool and returns its result, which may be an error result.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert!(answer["error"].is_null(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// Calls a tool that must succeed and returns its structured content.
    pub(crate) async fn succeed(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments).await;
        assert_ne!(result["isError"], true, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    /// Calls a tool that must be refused by the application and returns the reason.
    pub(crate) async fn refused(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Sends a request with id 7 and does not wait for the answer.
    pub(crate) async fn send(&self, method: &str, mut params: Value) -> Stream {
        if self.era == Era::Stateless {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        self.post(&body).await
    }

    pub(crate) async fn notify(&self, method: &str, params: Value) -> StatusCode {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.post(&body).await.status
    }

    /// The same session, used by somebody else.
    pub(crate) fn lent_to(&self, who: Who) -> Self {
        let session = self.session.clone();
        Self { address: self.address, who, era: self.era, session }
    }

    async fn initialize(&mut self, version: &str) {
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.send("initialize", params).await;
        let session = answer.headers.get("mcp-session-id").expect("a session").to_str().unwrap();
        self.session = Some(session.to_owned());
        let messages = answer.rest().await;
        assert_eq!(messages[0]["result"]["protocolVersion"], version);
        let accepted = self.notify("notifications/initialized", json!({})).await;
        assert_eq!(accepted, StatusCode::ACCEPTED);
    }

    async fn post(&self, body: &Value) -> Stream {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}/mcp", self.address))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in &self.who.0 {
            request = request.header(*name, *value);
        }
        for (name, value) in self.protocol_headers(body) {
            request = request.header(name, value);
        }
        fetch(request.body(Full::from(body.to_string())).unwrap()).await
    }

    fn protocol_headers(&self, body: &Value) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        match (self.era, &self.session) {
            (Era::Sessions(version), Some(session)) => {
                headers.push(("mcp-session-id", session.clone()));
                headers.push(("mcp-protocol-version", version.to_owned()));
            }
            (Era::Sessions(_), None) => {}
            (Era::Stateless, _) => {
                headers.push(("mcp-protocol-version", "2026-07-28".to_owned()));
                headers.push(("mcp-method", body["method"].as_str().unwrap().to_owned()));
                let name = body["params"]["name"].as_str().or(body["params"]["uri"].as_str());
                headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
            }
        }
        headers
    }
}

impl Stream {
    /// The next JSON-RPC message, or `None` at the end of the response.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, self.next_message()).await.expect("a message in time")
    }

    /// All messages up to the end.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }

    /// The whole body as text.
    pub(crate) async fn text(self) -> String {
        let bytes = self.body.collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    async fn next_message(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.take_event() {
                return Some(message);
            }
            match self.body.frame().await {
                Some(frame) => {
                    let data = frame.unwrap().into_data().unwrap_or_default();
                    self.buffer.push_str(std::str::from_utf8(&data).unwrap());
                }
                None if self.sse || self.buffer.is_empty() => return None,
                None => return serde_json::from_str(&std::mem::take(&mut self.buffer)).unwrap(),
            }
        }
    }

    /// A complete event with data out of the buffer; comments and priming events are skipped.
    fn take_event(&mut self) -> Option<Value> {
        while self.sse {
            let (event, rest) = self.buffer.split_once("\n\n")?;
            let data: String = event
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(str::trim)
                .collect();
            self.buffer = rest.to_owned();
            if !data.is_empty() {
                return Some(serde_json::from_str(&data).unwrap());
            }
        }
        None
    }
}

/// Sends one HTTP request over a connection of its own.
pub(crate) async fn fetch(request: Request<Full<Bytes>>) -> Stream {
    let client: HttpClient<HttpConnector, _> =
        HttpClient::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let content_type = parts.headers.get("content-type");
    let sse = content_type.is_some_and(|kind| kind == "text/event-stream");
    Stream { status: parts.status, headers: parts.headers, body, buffer: String::new(), sse }
}
