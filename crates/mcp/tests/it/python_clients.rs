//! What Python clients need (C4): they hold one lock for all requests until the headers of
//! an answer come, and never read an event of more than a megabyte.

mod endings;
mod streams;
mod told;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::Response;
use mcp::{Body, Config, Sidecar};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::sessions::{open, sessions};
use crate::support::{
    Answer, Ask, Recorded, Reply, SOON, Token, World, frame, json as reply_json, legacy, modern,
    pass, quiet, status, text,
};

pub(crate) const PYTHON: &str = "python-httpx2/2.16.2";

/// A server that answers what is slow when the test says so.
pub(crate) struct Slow {
    pub(crate) world: World,
    asked: Arc<Notify>,
    pub(crate) answer: Arc<Notify>,
}

impl Slow {
    pub(crate) async fn new(
        is_slow: fn(&Recorded) -> bool,
        reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with(is_slow, reply, |_| {}).await
    }

    /// The same with another configuration of the sidecar.
    pub(crate) async fn with(
        is_slow: fn(&Recorded) -> bool,
        reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let (asked, answer): (Arc<Notify>, Arc<Notify>) = Default::default();
        let (noting, waiting) = (Arc::clone(&asked), Arc::clone(&answer));
        let answering = move |request: &Recorded| -> Reply {
            let reply = reply(request);
            if !is_slow(request) {
                return reply;
            }
            noting.notify_one();
            let waiting = Arc::clone(&waiting);
            Box::pin(async move {
                waiting.notified().await;
                reply.await
            })
        };
        let world = World::with(answering, change).await;
        Self { world, asked, answer }
    }

    /// Sends a request and waits until the server has it.
    pub(crate) async fn ask(&self, ask: Ask) -> JoinHandle<Response<Body>> {
        let sidecar: Arc<Sidecar> = Arc::clone(&self.world.sidecar);
        let waiting = tokio::spawn(async move { sidecar.handle(ask.build()).await });
        tokio::time::timeout(SOON, self.asked.notified()).await.expect("the server is asked");
        waiting
    }

    /// A stream that began, since the server took too long.
    pub(crate) async fn begun(&self, ask: Ask) -> Body {
        let waiting = self.ask(ask).await;
        pass(Duration::from_millis(1_100)).await;
        let response = tokio::time::timeout(SOON, waiting).await.expect("headers").unwrap();
        assert_eq!((response.status().as_u16(), kind(&response)), (200, "text/event-stream"));
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.into_body()
    }

    /// The message that the stream comes to.
    async fn message(&self, ask: Ask) -> Value {
        let mut body = self.begun(ask).await;
        self.answer.notify_one();
        let event = next(&mut body).await.unwrap();
        assert_eq!(next(&mut body).await, None, "nothing follows");
        data(&event)
    }
}

pub(crate) fn kind(response: &Response<Body>) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

pub(crate) async fn next(body: &mut Body) -> Option<String> {
    let frame = frame(body).await?;
    Some(text(&frame.unwrap()).to_owned())
}

fn data(event: &str) -> Value {
    let data = event.strip_prefix("event: message\ndata: ").unwrap_or_else(|| panic!("{event}"));
    serde_json::from_str(data.trim_end()).unwrap()
}

fn call(token: &str) -> Ask {
    modern("tools/call", &json!({ "name": "get_x" })).bearer(token).header("user-agent", PYTHON)
}

fn result(request: &Recorded) -> Reply {
    reply_json(
        &json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": {} }).to_string(),
    )
}

#[tokio::test]
async fn a_slow_answer_begins_as_a_stream() {
    let slow = Slow::new(|_| true, result).await;
    let token = slow.world.token("mcp:read");
    let mut body = slow.begun(call(&token)).await;
    for _ in 0..2 {
        assert!(next(&mut body).now_or_never().is_none());
        pass(Duration::from_secs(15)).await;
        assert_eq!(next(&mut body).await.unwrap(), ": keep-alive\n\n");
    }
    slow.answer.notify_one();
    let event = next(&mut body).await.unwrap();
    assert_eq!(data(&event), json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
    assert_eq!(next(&mut body).await, None);
}

/// Who leaves, cancels; the server sees its connection closed.
#[tokio::test]
async fn a_stream_that_is_left_cancels() {
    let slow = Slow::new(|_| true, result).await;
    let body = slow.begun(call(&slow.world.token("mcp:read"))).await;
    drop(body);
    let abandoned = slow.world.server.abandoned.notified();
    tokio::time::timeout(SOON, abandoned).await.expect("the server sees it");
}

/// Others get the server's own form, and so does a Python client whose answer is there in time, or
/// opens the session that only a header can name.
#[tokio::test]
async fn all_else_waits_for_the_servers_own_form() {
    let slow = Slow::new(|_| true, result).await;
    let token = slow.world.token("mcp:read");
    let opening = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }));
    let asks = [
        call(&token).instead("user-agent", "node"),
        call(&token).without("user-agent"),
        call(&token).instead("user-agent", "x python-httpx/0.28"),
        call(&token).instead("accept", "application/json"),
        opening.bearer(&token).header("user-agent", PYTHON),
    ];
    for ask in asks {
        let waiting = slow.ask(ask).await;
        quiet(Duration::from_secs(5)).await;
        assert!(!waiting.is_finished(), "it waits");
        slow.answer.notify_one();
        let answered = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
        assert_eq!(kind(&answered), "application/json");
    }
    let quick = Slow::new(|_| false, result).await;
    let answer: Answer = quick.world.ask(call(&quick.world.token("mcp:read"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
}

/// What is decided here is said by its status: no stream hides a challenge.
#[tokio::test]
async fn a_refusal_of_ours_keeps_its_status() {
    let slow = Slow::new(|_| true, result).await;
    let denied = modern("tools/call", &json!({ "name": "create_x" }));
    let denied = denied.bearer(&slow.world.token("mcp:read")).header("user-agent", PYTHON);
    assert_eq!(slow.world.ask(denied).await.status, 403);
    assert_eq!(slow.world.ask(call("x.y.z")).await.status, 401);
    assert!(slow.world.server.requests().is_empty());
}

/// While the token cannot be judged yet, nothing begins.
#[tokio::test]
async fn nothing_begins_before_the_request_was_judged() {
    let slow = Slow::new(|_| true, result).await;
    let (token, sidecar) = (slow.world.token("mcp:read"), Arc::clone(&slow.world.sidecar));
    slow.world.authority.hold();
    let waiting = tokio::spawn(async move { sidecar.handle(call(&token).build()).await });
    quiet(Duration::from_secs(6)).await;
    assert!(!waiting.is_finished());
    slow.world.authority.set_away(true);
    slow.world.authority.release();
    let answered = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!(answered.status(), 503);
}

#[tokio::test]
async fn a_later_failure_is_an_error_in_the_stream() {
    type Failing = fn(&Recorded) -> Reply;
    let failures: [(Failing, i64, &str); 6] = [
        (
            |_| status(500, &[("content-type", "text/html")], "<h1>no</h1>"),
            -31502,
            "HTTP status 500",
        ),
        (|_| status(503, &[], ""), -31502, "status 503"),
        (|_| status(401, &[], ""), -31502, "credential"),
        (|_| status(200, &[("content-type", "text/html")], "<h1>hi</h1>"), -31502, "content type"),
        (
            |_| {
                let error =
                    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"own"}}"#;
                status(400, &[("content-type", "application/json")], error)
            },
            -32000,
            "own",
        ),
        (
            |request| {
                let result = "x".repeat((1 << 20) + 1);
                let id = &request.message()["id"];
                reply_json(
                    &json!({ "jsonrpc": "2.0", "id": id, "result": { "x": result } }).to_string(),
                )
            },
            -31413,
            "1 MiB",
        ),
    ];
    for (failing, code, words) in failures {
        let slow = Slow::new(|_| true, failing).await;
        let message = slow.message(call(&slow.world.token("mcp:read"))).await;
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(7), &json!(code)));
        assert!(message["error"]["message"].as_str().unwrap().contains(words), "{message}");
    }
}

/// A14: nobody's answer but the request's own, for any reader; and no success is called a failure.
#[tokio::test]
async fn a_late_answer_that_cannot_be_read_is_an_error() {
    let unreadable: [(u16, &str, &str); 9] = [
        (200, "no json", "cannot be read"),
        (200, "{", "cannot be read"),
        (200, r#"{"jsonrpc":"2.0","id":7}"#, "cannot be read"),
        (200, r#"{"jsonrpc":"2.0","id":8,"id":7,"result":{}}"#, "cannot be read"),
        (200, r#"{"jsonrpc":"2.0","id":7,"ID":8,"result":{}}"#, "cannot be read"),
        (200, r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#, "cannot be read"),
        (200, r#"{"jsonrpc":"2.0","id":8,"result":{}}"#, "without the id of the request"),
        (202, "", "cannot be read"),
        (400, r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":""}}"#, "HTTP status 400"),
    ];
    for (code, body, words) in unreadable {
        let json = [("content-type", "application/json")];
        let reply = move |_: &Recorded| status(code, &json[usize::from(body.is_empty())..], body);
        let slow = Slow::new(|_| true, reply).await;
        let message = slow.message(call(&slow.world.token("mcp:read"))).await;
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(7), &json!(-31502)));
        assert!(message["error"]["message"].as_str().unwrap().contains(words), "{message}");
    }
}

/// Only one request could be meant.
#[tokio::test]
async fn a_late_answer_without_an_id_is_the_requests() {
    for id in ["7", "null"] {
        let reply = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}},"error":null}}"#);
        let slow = Slow::new(|_| true, move |_| reply_json(&reply)).await;
        let message = slow.message(call(&slow.world.token("mcp:read"))).await;
        assert_eq!(message, json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
    }
}

/// A list is as filtered in such a stream as anywhere.
#[tokio::test]
async fn a_slow_list_is_filtered() {
    let slow = Slow::new(
        |_| true,
        |request| {
            let tools = json!([{ "name": "get_x" }, { "name": "unheard_of" }]);
            let id = &request.message()["id"];
            reply_json(
                &json!({ "jsonrpc": "2.0", "id": id, "result": { "tools": tools } }).to_string(),
            )
        },
    )
    .await;
    let ask = legacy("tools/list", &json!({})).bearer(&slow.world.token("mcp:read"));
    let message = slow.message(ask.header("user-agent", PYTHON)).await;
    assert_eq!(message["result"]["tools"], json!([{ "name": "get_x" }]));
}

/// The client could not be told by a status that its session is gone, so the next request is. Nobody
/// else's session is touched.
#[tokio::test]
async fn a_lost_session_is_404_to_the_next_request() {
    let slow = Slow::new(
        |request| request.rpc_method() == "tools/call",
        |request| match request.rpc_method().as_str() {
            "tools/call" => status(404, &[], ""),
            _ => sessions(request),
        },
    )
    .await;
    let world = &slow.world;
    let token = world.token("mcp:read");
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let (mine, theirs) =
        (open(world, &token, "2025-11-25").await, open(world, &other, "2025-11-25").await);
    let ask = legacy("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    let ask = ask.header("mcp-session-id", &mine).header("user-agent", PYTHON);
    let message = slow.message(ask).await;
    assert_eq!(message["error"]["code"], -31404, "{message}");
    let asked = world.server.requests().len();
    let ping = |token: &str, session: &str| {
        legacy("ping", &json!({})).bearer(token).header("mcp-session-id", session)
    };
    let answer = world.ask(ping(&token, &mine)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (404, -31404));
    assert_eq!(world.server.requests().len(), asked);
    assert_eq!(world.ask(ping(&other, &theirs)).await.status, 200);
}
