//! A modern server that follows a script, and legacy clients with their sessions.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use mcp::{Body, Config, EraChoice};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Ask, Recorded, Reply, World, frame, get, json as json_reply, post};

/// Everything that a legacy client can be asked.
pub(crate) const ABLE: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}"#;

/// A world whose server is modern only. It says of itself what [`discovered`] says.
pub(crate) async fn world(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> World {
    world_with(reply, |_| {}).await
}

pub(crate) async fn world_with(
    reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    change: impl FnOnce(&mut Config),
) -> World {
    let reply = move |request: &Recorded| match request.rpc_method().as_str() {
        "server/discover" => result(request, &discovered()),
        _ => reply(request),
    };
    World::with(reply, |config| {
        config.servers[0].upstream.eras = EraChoice::Modern;
        change(config);
    })
    .await
}

pub(crate) fn discovered() -> Value {
    json!({
        "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 60_000,
        "cacheScope": "private", "instructions": "be kind",
        "capabilities": {
            "tools": { "listChanged": true },
            "resources": { "subscribe": true, "listChanged": false },
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        },
        "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "behind", "version": "3" } },
    })
}

/// The answer with this result.
pub(crate) fn result(request: &Recorded, result: &Value) -> Reply {
    json_reply(&said(request, result))
}

/// The same as a text.
pub(crate) fn said(request: &Recorded, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": result }).to_string()
}

/// A call's result with this text.
pub(crate) fn done(text: &str) -> Value {
    json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] })
}

/// A stream of events that come when the test sends them.
pub(crate) fn stream(mut messages: mpsc::UnboundedReceiver<String>) -> Reply {
    let stream = futures_util::stream::poll_fn(move |cx| messages.poll_recv(cx));
    let frames = stream.map(|text| Ok(Frame::data(Bytes::from(format!("data: {text}\n\n")))));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    Box::pin(async { response })
}

/// A legacy client in its session.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) token: String,
    pub(crate) session: String,
    pub(crate) version: String,
}

impl Client {
    /// Opens a session of this revision for a client that can do this.
    pub(crate) async fn open(world: &World, version: &str, capabilities: &str) -> Self {
        Self::with(world, &world.token("mcp:read mcp:write"), version, capabilities).await
    }

    pub(crate) async fn with(
        world: &World,
        token: &str,
        version: &str,
        capabilities: &str,
    ) -> Self {
        let answer = world.ask(initialize(version, capabilities).bearer(token)).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        assert_eq!(answer.json()["result"]["protocolVersion"], version);
        let session = answer.header("mcp-session-id").to_owned();
        Self { token: token.to_owned(), session, version: version.to_owned() }
    }

    /// A request with this id.
    pub(crate) fn ask(&self, id: u32, method: &str, params: &Value) -> Ask {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    pub(crate) fn call(&self, id: u32, tool: &str) -> Ask {
        self.ask(id, "tools/call", &json!({ "name": tool }))
    }

    /// Any message.
    pub(crate) fn say(&self, message: &Value) -> Ask {
        self.seated(post(&message.to_string()))
    }

    pub(crate) fn listen(&self) -> Ask {
        self.seated(get("/mcp")).header("accept", "text/event-stream")
    }

    pub(crate) fn end(&self) -> Ask {
        self.seated(Ask::new(Method::DELETE, "/mcp"))
    }

    fn seated(&self, ask: Ask) -> Ask {
        ask.header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", &self.version)
            .bearer(&self.token)
    }
}

pub(crate) fn initialize(version: &str, capabilities: &str) -> Ask {
    let capabilities: Value = serde_json::from_str(capabilities).unwrap();
    let client = json!({ "name": "old", "version": "1", "icons": [{ "src": "data:," }] });
    let params = json!({
        "protocolVersion": version, "capabilities": capabilities, "clientInfo": client
    });
    let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    post(&message.to_string())
}

/// The next message of a stream; comments do not count.
pub(crate) async fn next(body: &mut Body) -> Value {
    loop {
        let bytes = frame(body).await.expect("the stream goes on").unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let data: String = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        if !data.is_empty() {
            return serde_json::from_str(&data).unwrap();
        }
    }
}

/// What the server was asked with this method.
pub(crate) fn of_method(world: &World, method: &str) -> Vec<Recorded> {
    world.server.requests().into_iter().filter(|asked| asked.rpc_method() == method).collect()
}

/// Waits until the server was asked so often with this method.
pub(crate) async fn until_asked(world: &World, method: &str, times: usize) {
    let waiting = async {
        while of_method(world, method).len() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::SOON, waiting).await.expect("the server is asked soon");
}
