//! Clients of 2024-11-05: one stream, one URL to post to, and the way of every legacy message.

mod gate;

use std::sync::{Arc, Mutex};

use http::Method;
use mcp::{Body, Config, SseFront};
use protocol::ResourceUri;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::sessions::sessions;
use crate::support::{
    Answer, Ask, ISSUER, SOON, START, Token, World, events, frame, get, json as in_json,
    open_events, post, status, text,
};

pub(crate) const SSE: &str = "https://gate.example/sse";

/// The front that the binary would give the default server.
pub(crate) fn with_front(config: &mut Config) {
    config.servers[0].sse = Some(SseFront {
        path: "/sse".to_owned(),
        resource: ResourceUri::parse(SSE).unwrap(),
        metadata_url: format!("{ISSUER}/.well-known/oauth-protected-resource/sse"),
        metadata_paths: vec![
            "/.well-known/oauth-protected-resource/sse".to_owned(),
            "/sse/.well-known/oauth-protected-resource".to_owned(),
        ],
    });
}

async fn world(
    reply: impl Fn(&crate::support::Recorded) -> crate::support::Reply + Send + Sync + 'static,
) -> World {
    World::with(reply, with_front).await
}

/// A token for the URL that such a client was given.
fn token(world: &World, scopes: &str) -> String {
    Token::new(scopes).claim("aud", SSE).sign(&world.authority.key())
}

/// An open stream, as its client reads it.
pub(crate) struct Stream {
    pub(crate) body: Body,
    pub(crate) endpoint: String,
    token: String,
}

impl Stream {
    pub(crate) async fn open(world: &World, token: &str) -> Self {
        Self::of(world.sidecar.handle(get("/sse").bearer(token).build()).await, token).await
    }

    pub(crate) async fn of(response: http::Response<Body>, token: &str) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut body = response.into_body();
        let first = frame(&mut body).await.unwrap().unwrap();
        let endpoint = text(&first).strip_prefix("event: endpoint\ndata: ").unwrap();
        let endpoint = endpoint.strip_suffix("\n\n").unwrap().to_owned();
        Self { body, endpoint, token: token.to_owned() }
    }

    pub(crate) fn post(&self, message: &Value) -> Ask {
        post(&message.to_string()).at(&self.endpoint).bearer(&self.token)
    }

    pub(crate) async fn send(&self, world: &World, message: &Value) {
        let answer = world.ask(self.post(message)).await;
        assert_eq!((answer.status.as_u16(), text(&answer.body)), (202, ""));
    }

    /// The next message on the stream.
    pub(crate) async fn next(&mut self) -> Value {
        let event = frame(&mut self.body).await.expect("one more event").unwrap();
        let data = text(&event).strip_prefix("event: message\ndata: ").unwrap();
        serde_json::from_str(data).unwrap()
    }

    pub(crate) async fn initialize(&mut self, world: &World) {
        self.send(world, &initialize()).await;
        assert_eq!(self.next().await["result"]["protocolVersion"], "2024-11-05");
    }
}

fn initialize() -> Value {
    let params = json!({ "protocolVersion": "2024-11-05", "capabilities": {},
                         "clientInfo": { "name": "old", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": params })
}

fn call(id: u64, tool: &str) -> Value {
    let params = json!({ "name": tool, "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// D-09, D-62: the whole exchange; the session's id is never the client's to know.
#[tokio::test]
async fn d_62_a_session_over_one_stream() {
    let world = world(sessions).await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    assert!(stream.endpoint.starts_with("/sse/messages?stream="), "{}", stream.endpoint);
    stream.initialize(&world).await;
    stream.send(&world, &call(1, "get_x")).await;
    assert_eq!(stream.next().await, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    let sent = world.server.requests();
    assert_eq!(sent[0].header("mcp-session-id"), "");
    assert_eq!(sent[1].header("mcp-session-id"), "upstream-session");
    assert_eq!(sent[1].header("mcp-protocol-version"), "", "such clients know no such header");
    assert_eq!(sent[1].header("authorization"), "");
}

/// A server that insists on a newer revision gets the header that goes with it (D-32).
#[tokio::test]
async fn d_62_the_agreed_revision_is_named_for_the_client() {
    let world = world(|request| {
        if request.rpc_method() != "initialize" {
            return sessions(request);
        }
        let result = json!({ "protocolVersion": "2025-06-18", "capabilities": {} });
        let text = json!({ "jsonrpc": "2.0", "id": 7, "result": result }).to_string();
        let headers =
            [("content-type", "application/json"), ("mcp-session-id", "upstream-session")];
        status(200, &headers, &text)
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.send(&world, &initialize()).await;
    assert_eq!(stream.next().await["result"]["protocolVersion"], "2025-06-18");
    stream.send(&world, &call(1, "get_x")).await;
    stream.next().await;
    assert_eq!(world.server.requests()[1].header("mcp-protocol-version"), "2025-06-18");
}

/// Whatever the server answers, the request is answered on the stream.
#[tokio::test]
async fn trouble_has_the_requests_id() {
    let replies = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&replies);
    let world = world(move |_| given.lock().unwrap().pop().unwrap()).await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    for reply in [
        status(400, &[("content-type", "text/plain")], "no session"),
        status(500, &[("content-type", "text/html")], "<p>"),
        in_json(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}"#),
        events("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n"),
        events(""),
    ] {
        replies.lock().unwrap().push(reply);
        stream.send(&world, &call(9, "get_x")).await;
        let mut answer = stream.next().await;
        if answer.get("method").is_some() {
            answer = stream.next().await;
        }
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(9), &json!(-31502)));
    }
}

/// Events arrive one by one, without the ids that mean nothing over this stream, and so does what
/// the server asks (D-02).
#[tokio::test]
async fn d_02_questions_reach_the_stream_and_answers_the_server() {
    let (feeds, mut opened) = mpsc::unbounded_channel();
    let world = world(move |request| match request.rpc_method().as_str() {
        "tools/call" => {
            let (feed, events) = mpsc::unbounded_channel();
            feeds.send(feed).unwrap();
            open_events(events)
        }
        "" if request.method == Method::POST => status(202, &[], ""),
        _ => sessions(request),
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    stream.send(&world, &call(1, "get_x")).await;
    let feed = opened.recv().await.unwrap();
    feed.send("id: 7\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"s1\",\"method\":\"roots/list\"}\n\n")
        .unwrap();
    assert_eq!(
        stream.next().await,
        json!({ "jsonrpc": "2.0", "id": "s1", "method": "roots/list" })
    );
    stream.send(&world, &json!({ "jsonrpc": "2.0", "id": "s1", "result": { "roots": [] } })).await;
    assert_eq!(world.server.requests().pop().unwrap().message()["id"], "s1");
    feed.send("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n").unwrap();
    assert_eq!(stream.next().await["id"], 1);
}

/// After `notifications/initialized`, the server's standing stream is part of this one; and it
/// counts as one.
#[tokio::test]
async fn d_02_what_the_server_says_unasked() {
    let (feeds, mut opened) = mpsc::unbounded_channel();
    let reply = move |request: &crate::support::Recorded| {
        if request.method == Method::GET {
            let (feed, events) = mpsc::unbounded_channel();
            feeds.send((feed, request.clone())).unwrap();
            return open_events(events);
        }
        if request.rpc_method().starts_with("notifications/") {
            return status(202, &[], "");
        }
        sessions(request)
    };
    let world = World::with(reply, |config| {
        with_front(config);
        config.limits.streams_per_principal = 1;
    })
    .await;
    let token = token(&world, "mcp:read");
    let mut stream = Stream::open(&world, &token).await;
    stream.initialize(&world).await;
    assert!(opened.try_recv().is_err(), "not before the client is ready");
    stream.send(&world, &initialized()).await;
    let (feed, request) = opened.recv().await.unwrap();
    assert_eq!(request.header("mcp-session-id"), "upstream-session");
    feed.send("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n")
        .unwrap();
    assert_eq!(stream.next().await["method"], "notifications/tools/list_changed");
    assert_eq!(world.ask(get("/sse").bearer(&token)).await.status, 429, "T-MCP-50");
    drop(stream);
    tokio::time::timeout(SOON, feed.closed()).await.expect("it ends with its client");
}

/// D-35: a server may end the stream before the answer and be asked for the rest. Such a client knows
/// of no event ids, so that is done for it; and what comes then is as filtered as ever.
#[tokio::test]
async fn d_35_answers_are_taken_up_again() {
    let world = world(|request| {
        let tools = json!([{ "name": "get_x" }, { "name": "drop_y" }]);
        match (request.rpc_method().as_str(), request.header("last-event-id")) {
            ("tools/call", _) => events("retry: 1\nid: a\ndata:\n\n"),
            ("tools/list", _) => events("retry: 1\nid: b\ndata:\n\n"),
            ("prompts/list", _) => events("retry: 1\nid: none\ndata:\n\n"),
            ("", "a") => events(
                "id: a1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\
                 \"params\":{\"progressToken\":1,\"progress\":1}}\n\n",
            ),
            ("", "a1") => events("id: a2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"),
            ("", "b") => {
                let list = json!({ "jsonrpc": "2.0", "id": 2, "result": { "tools": tools } });
                events(&format!("id: b1\ndata: {list}\n\n"))
            }
            ("", "none") => status(405, &[], ""),
            _ => sessions(request),
        }
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    stream.send(&world, &call(1, "get_x")).await;
    assert_eq!(stream.next().await["method"], "notifications/progress");
    assert_eq!(stream.next().await, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    let resumed = world.server.requests().pop().unwrap();
    assert_eq!(resumed.header("mcp-session-id"), "upstream-session");
    assert_eq!(resumed.header("authorization"), "");
    stream.send(&world, &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })).await;
    let listed = stream.next().await;
    assert_eq!(listed["result"]["tools"], json!([{ "name": "get_x" }]));
    stream.send(&world, &json!({ "jsonrpc": "2.0", "id": 3, "method": "prompts/list" })).await;
    let refused = stream.next().await;
    assert_eq!((&refused["id"], refused["error"].is_object()), (&json!(3), true), "{refused}");
}

/// Nor does the standing stream lose what was said while it was away.
#[tokio::test]
async fn d_35_the_standing_stream_goes_on_where_it_ended() {
    let world = world(|request| match (&request.method, request.header("last-event-id")) {
        (&Method::GET, "") => events("id: 5\ndata:\n\n"),
        (&Method::GET, "5") => events(
            "id: 6\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
        ),
        (&Method::GET, _) => status(405, &[], ""),
        _ if request.rpc_method().starts_with("notifications/") => status(202, &[], ""),
        _ => sessions(request),
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    stream.send(&world, &initialized()).await;
    assert_eq!(stream.next().await["method"], "notifications/tools/list_changed");
}

/// When the client goes, so does its session, but not the request that runs (D-58).
#[tokio::test]
async fn d_58_the_session_ends_with_the_stream() {
    let (feeds, mut opened) = mpsc::unbounded_channel();
    let (ends, mut ended) = mpsc::unbounded_channel();
    let world = world(move |request| {
        if request.rpc_method() == "tools/call" {
            let (feed, events) = mpsc::unbounded_channel();
            feeds.send(feed).unwrap();
            return open_events(events);
        }
        if request.method == Method::DELETE {
            ends.send(request.header("mcp-session-id").to_owned()).unwrap();
        }
        sessions(request)
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    stream.send(&world, &call(1, "get_x")).await;
    let feed = opened.recv().await.unwrap();
    let late = stream.post(&call(2, "get_x"));
    drop(stream);
    while world.ask(late.clone()).await.status != 404 {
        tokio::task::yield_now().await;
    }
    assert!(!feed.is_closed() && ended.try_recv().is_err(), "it may finish first");
    feed.send("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n").unwrap();
    drop(feed);
    while let Ok(feed) = opened.try_recv() {
        drop(feed);
    }
    let end = tokio::time::timeout(SOON, ended.recv()).await.expect("DELETE soon");
    assert_eq!(end.unwrap(), "upstream-session");
}

/// A session that the server forgot takes the stream along, so that the client begins anew.
#[tokio::test]
async fn a_forgotten_session_ends_the_stream() {
    let forgotten = Arc::new(Mutex::new(false));
    let known = Arc::clone(&forgotten);
    let world = world(move |request| {
        if *known.lock().unwrap() {
            return status(404, &[("content-type", "text/plain")], "session?");
        }
        sessions(request)
    })
    .await;
    let mut stream = Stream::open(&world, &token(&world, "mcp:read")).await;
    stream.initialize(&world).await;
    *forgotten.lock().unwrap() = true;
    stream.send(&world, &call(5, "get_x")).await;
    assert_eq!(stream.next().await["id"], 5);
    assert!(frame(&mut stream.body).await.is_none());
}

/// T-MCP-49: the stream ends with its token, and at shutdown.
#[tokio::test]
async fn t_mcp_49_it_ends_with_the_token_and_on_drain() {
    let world = world(sessions).await;
    let short = Token::new("mcp:read").claim("exp", START + 60).sign(&world.authority.key());
    let mut ends = Stream::open(&world, &short).await;
    let mut stays = Stream::open(&world, &token(&world, "mcp:read")).await;
    world.clock.advance_seconds(75);
    world.settle().await;
    assert!(frame(&mut ends.body).await.is_none());
    stays.initialize(&world).await;
    world.sidecar.drain();
    assert!(frame(&mut stays.body).await.is_none());
    let answer: Answer = world.ask(stays.post(&call(1, "get_x"))).await;
    assert!(answer.status == 202 || answer.status == 404);
    drop((ends, stays));
    world.sidecar.end().await;
    let last = world.server.requests().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.header("mcp-session-id")),
        ("DELETE", "upstream-session")
    );
}
