//! Legacy clients of a legacy server that is reached over another transport, through the whole
//! sidecar.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cancelling;

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use upstream::{ChildConfig, EraChoice, Transport};

use crate::testing::{Ask, SOON, Token, World, frame, get, legacy, post, text};

fn world() -> World {
    World::new(Transport::HttpSse, EraChoice::Legacy)
}

/// A world whose one child serves everybody.
fn shared() -> World {
    let child = ChildConfig {
        command: vec!["server".to_owned()],
        environment: Vec::new(),
        directory: None,
        shared_by_everyone: true,
        limit: 1,
        idle_seconds: 60,
    };
    World::new(Transport::Stdio(child), EraChoice::Legacy)
}

/// One client with its session.
struct Client {
    token: String,
    session: String,
    version: &'static str,
}

impl Client {
    async fn open(world: &World) -> Self {
        Self::with(world, world.token("mcp:read"), "2025-11-25").await
    }

    async fn with(world: &World, token: String, version: &'static str) -> Self {
        let params = json!({ "protocolVersion": version, "capabilities": { "roots": {} },
                             "clientInfo": { "name": "c", "version": "1" } });
        let ask = legacy("initialize", &params).bearer(&token).without("mcp-protocol-version");
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, 200, "{}", text(&answer.body));
        let session = answer.header("mcp-session-id").to_owned();
        assert_eq!(answer.json()["result"]["protocolVersion"], version);
        Self { token, session, version }
    }

    fn ask(&self, ask: Ask) -> Ask {
        ask.bearer(&self.token)
            .instead("mcp-session-id", &self.session)
            .instead("mcp-protocol-version", self.version)
    }

    fn call(&self, id: &str, params: &str) -> Ask {
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{params}}}"
        );
        self.ask(post(&body))
    }

    fn say(&self, message: &Value) -> Ask {
        self.ask(post(&message.to_string()))
    }

    fn listen(&self) -> Ask {
        self.ask(get("/mcp").header("accept", "text/event-stream"))
    }
}

/// The messages of a stream of events.
fn events(body: &[u8]) -> Vec<Value> {
    let messages = text(body).split("\n\n").filter(|event| !event.is_empty());
    messages.map(|event| message(event.as_bytes())).collect()
}

fn message(event: &[u8]) -> Value {
    let data = text(event).trim_end().strip_prefix("event: message\ndata: ").unwrap();
    serde_json::from_str(data).unwrap()
}

/// D-70: the server hears what the client declares, and the client what the server answers.
#[tokio::test]
async fn d_70_initialize_passes_both_ways() {
    let world = world();
    let client = Client::open(&world).await;
    let declared = &world.script.opened()[0];
    assert_eq!(declared["capabilities"], json!({ "roots": {} }));
    assert_eq!(declared["clientInfo"], json!({ "name": "c", "version": "1" }));
    let again = Client::open(&world).await;
    assert_ne!(client.session, again.session);
    assert_eq!(world.script.opened().len(), 2, "one session each");
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(world.ask(client.say(&ready)).await.status, 202);
    assert!(world.script.is_silent().await, "it heard that from us");
    for params in [json!({}), json!({ "protocolVersion": "2025-11-25", "capabilities": 7 })] {
        let answer = world.ask(legacy("initialize", &params).bearer(&client.token)).await;
        assert_eq!(answer.code(), -32602);
    }
}

/// Ids and tokens are exchanged; every other byte stays.
#[tokio::test]
async fn d_70_ids_and_progress_tokens_are_exchanged() {
    let world = world();
    let client = Client::open(&world).await;
    let params = "{\"name\":\"get_x\",\"arguments\":{\"n\": 1.0},\"_meta\":{\"progressToken\":\"p\",\"a\":1e3}}";
    let answering = world.start(client.call("\"c-1\"", params));
    let asked = world.script.asked().await;
    let id = &asked.message["id"];
    assert!(id.is_u64() && asked.message["params"]["_meta"]["progressToken"] == *id);
    assert!(asked.text.contains("\"arguments\":{\"n\": 1.0}") && asked.text.contains("\"a\":1e3"));
    asked.say(&format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{id},\
         \"progress\":0.50}}}}"
    ));
    asked.say(&format!("{{\"result\":{{\"y\" : 2.0}},\"id\":{id},\"jsonrpc\":\"2.0\"}}"));
    let answer = answering.await.unwrap();
    let heard = text(&answer.body);
    assert!(heard.contains("{\"progressToken\":\"p\",\"progress\":0.50}"), "{heard}");
    assert!(
        heard.contains("{\"result\":{\"y\" : 2.0},\"id\":\"c-1\",\"jsonrpc\":\"2.0\"}"),
        "{heard}"
    );
    assert_eq!(answer.header("mcp-session-id"), client.session);
}

/// Without anything before it, the answer is JSON; errors pass, too.
#[tokio::test]
async fn answers_and_errors_pass() {
    let world = world();
    let client = Client::open(&world).await;
    let answering = world.start(client.call("5", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    let error =
        format!("{{\"id\":{},\"error\":{{\"code\":-1,\"message\":\"m\"}}}}", asked.message["id"]);
    asked.say(&error);
    let answer = answering.await.unwrap();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({ "id": 5, "error": { "code": -1, "message": "m" } }));
    let answering = world.start(client.call("6", "{\"name\":\"get_x\"}"));
    drop(world.script.asked().await);
    let answer = answering.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "it broke off");
    assert_eq!(answer.json()["id"], 6);
    let forbidden = world.ask(client.call("7", "{\"name\":\"drop_x\"}")).await;
    assert_eq!(forbidden.code(), -32602);
    assert!(world.script.is_silent().await);
}

#[tokio::test]
async fn lists_of_tools_are_filtered_and_kept() {
    let world = world();
    let client = Client::open(&world).await;
    let list = || client.ask(legacy("tools/list", &json!({})));
    let answering = world.start(list());
    let tools = json!([{ "name": "get_x" }, { "name": "drop_x" }]);
    world.script.asked().await.answer(&json!({ "tools": tools }));
    let answer = answering.await.unwrap();
    assert_eq!(answer.json()["result"]["tools"], json!([{ "name": "get_x" }]));
    assert_eq!(world.ask(list()).await.json(), answer.json());
    assert!(world.script.is_silent().await);
}

/// G-20: a question goes out under an id that only this session can answer, once.
#[tokio::test]
async fn g_20_questions_in_an_exchange() {
    let world = world();
    let (client, other) = (Client::open(&world).await, Client::open(&world).await);
    let (sidecar, ask) = (Arc::clone(&world.sidecar), client.call("1", "{\"name\":\"get_x\"}"));
    let answering = tokio::spawn(async move { sidecar.handle(ask.build()).await });
    let asked = world.script.asked().await;
    asked.say(r#"{"jsonrpc":"2.0","id":3,"method":"roots/list","params":{"z":1.0}}"#);
    let mut body = answering.await.unwrap().into_body();
    let event = frame(&mut body).await.unwrap().unwrap();
    assert!(text(&event).contains("\"params\":{\"z\":1.0}"));
    let id = message(&event)["id"].clone();
    assert!(id.as_str().is_some_and(|id| id.len() > 30), "{id}");
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": { "roots": [] } });
    let unasked = json!({ "jsonrpc": "2.0", "id": 3, "result": {} });
    for ask in [other.say(&answer), client.say(&unasked)] {
        assert_eq!(world.ask(ask).await.status, 202);
    }
    assert!(world.script.is_silent().await);
    assert_eq!(world.ask(client.say(&answer)).await.status, 202);
    assert_eq!(
        world.script.told().await,
        json!({ "jsonrpc": "2.0", "id": 3, "result": { "roots": [] } })
    );
    world.ask(client.say(&answer)).await;
    assert!(world.script.is_silent().await, "once");
    asked.answer(&json!({}));
    assert_eq!(message(&frame(&mut body).await.unwrap().unwrap())["id"], 1);
}

/// D-02: what belongs to no request comes over the standing stream, of which there is one.
#[tokio::test]
async fn d_02_the_standing_stream() {
    let world = world();
    let client = Client::open(&world).await;
    let mut first = world.sidecar.handle(client.listen().build()).await.into_body();
    let mut second = world.sidecar.handle(client.listen().build()).await.into_body();
    assert!(frame(&mut first).await.is_none(), "each message goes to one stream");
    world
        .script
        .say(&json!({ "method": "notifications/progress", "params": { "progressToken": 1 } }));
    world.script.say(&json!({ "id": 9, "method": "ping" }));
    let question = message(&frame(&mut second).await.unwrap().unwrap());
    assert_eq!(question["method"], "ping");
    world.script.say(&json!({ "method": "notifications/cancelled", "params": { "requestId": 9 } }));
    let cancelled = message(&frame(&mut second).await.unwrap().unwrap());
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    let late = json!({ "jsonrpc": "2.0", "id": question["id"], "result": {} });
    assert_eq!(world.ask(client.say(&late)).await.status, 202);
    assert!(world.script.is_silent().await);
}

/// G-20, G-21: a session is its principal's, and its id proves nothing.
#[tokio::test]
async fn g_20_sessions_are_their_principals() {
    let world = world();
    let client = Client::open(&world).await;
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let ping = || client.ask(legacy("ping", &json!({})));
    let theirs = ping().instead("authorization", &format!("Bearer {other}"));
    assert_eq!(world.ask(theirs).await.status, 404);
    assert_eq!(world.ask(ping().without("authorization")).await.status, 401);
    assert_eq!(world.ask(ping().without("mcp-session-id")).await.status, 400);
    let batch = client.ask(post("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"));
    assert_eq!(world.ask(batch).await.status, 400);
    assert!(world.script.is_silent().await);
}

/// DELETE ends it, and so does the end of the server; 404 makes the client initialize again.
#[tokio::test]
async fn sessions_end() {
    let world = world();
    let client = Client::open(&world).await;
    let mut standing = world.sidecar.handle(client.listen().build()).await.into_body();
    let end = client.ask(Ask::new(Method::DELETE, "/mcp"));
    assert_eq!(world.ask(end).await.status, 204);
    assert!(!world.script.is_open());
    assert!(frame(&mut standing).await.is_none());
    let ping = |client: &Client| client.ask(legacy("ping", &json!({})));
    let gone = world.ask(ping(&client)).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (404, -31404));
    let client = Client::open(&world).await;
    world.script.die();
    assert_eq!(world.ask(ping(&client)).await.status, 404);
    let client = Client::open(&world).await;
    world.clock.advance_seconds(3_500);
    let long = Token::new("mcp:read").claim("exp", crate::testing::START + 90_000);
    let long = long.sign(&world.authority.key());
    let pinging = world.start(ping(&client).instead("authorization", &format!("Bearer {long}")));
    world.script.asked().await.answer(&json!({}));
    assert_eq!(pinging.await.unwrap().status, 200, "in use it stays");
    world.clock.advance_seconds(3_700);
    let idle = ping(&client).instead("authorization", &format!("Bearer {long}"));
    assert_eq!(world.ask(idle).await.status, 404);
}

/// One child for everybody: requests and changes of lists, and nothing else, for anybody.
#[tokio::test]
async fn a_shared_child_says_nothing_of_others() {
    let world = shared();
    let one = Client::with(&world, world.token("mcp:read"), "2025-06-18").await;
    let two = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let two = Client::with(&world, two, "2025-11-25").await;
    assert_eq!(world.script.opened().len(), 1, "one child, one session with it");
    assert_eq!(world.script.opened()[0]["capabilities"], json!({}));
    let mut standing = world.sidecar.handle(two.listen().build()).await.into_body();
    world.script.say(&json!({ "method": "notifications/message", "params": { "data": "secret" } }));
    world.script.say(&json!({ "method": "notifications/resources/updated", "params": {} }));
    world.script.say(&json!({ "id": 1, "method": "roots/list" }));
    world.script.say(&json!({ "method": "notifications/tools/list_changed" }));
    let news = message(&frame(&mut standing).await.unwrap().unwrap());
    assert_eq!(news["method"], "notifications/tools/list_changed");
    assert_eq!(world.script.told().await["error"]["code"], -32601, "nobody is asked");
    let answering = world.start(one.call("1", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    asked.say(r#"{"method":"notifications/message","params":{"data":"x"}}"#);
    asked.answer(&json!({ "mine": true }));
    let answer = answering.await.unwrap();
    assert_eq!(answer.json()["result"], json!({ "mine": true }));
    let roots = json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" });
    assert_eq!(world.ask(one.say(&roots)).await.status, 202);
    assert_eq!(world.ask(one.ask(Ask::new(Method::DELETE, "/mcp"))).await.status, 204);
    assert!(world.script.is_open() && world.script.is_silent().await);
}

/// A client that does not read waits; it is the server that is slowed down, and nothing is lost.
#[tokio::test]
async fn a_slow_client_loses_nothing() {
    let world = world();
    let client = Client::open(&world).await;
    let asking = world.start(client.call("1", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    for number in 0..200 {
        asked.say(&json!({ "method": "notifications/message", "params": number }).to_string());
    }
    asked.answer(&json!({}));
    let answer = tokio::time::timeout(SOON, asking).await.unwrap().unwrap();
    let heard = events(&answer.body);
    assert_eq!(heard.len(), 201);
    assert!(heard.iter().take(200).enumerate().all(|(at, message)| message["params"] == at));
}

/// What a session holds is at its home, so other replicas hand over there, streams and all; when
/// the home is gone, so is the session.
#[tokio::test]
async fn d_70_other_replicas_hand_over() {
    let mut world = world();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = world.replica(&format!("http://{}", listener.local_addr().unwrap()));
    let away = world.replica("http://127.0.0.1:9");
    let serving = tokio::spawn(serve(listener, Arc::clone(&home)));
    world.sidecar = Arc::clone(&home);
    let client = Client::open(&world).await;
    world.sidecar = Arc::clone(&away);
    let mut standing = away.handle(client.listen().build()).await.into_body();
    let answering = world.start(client.call("1", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    asked.say(r#"{"id":4,"method":"roots/list"}"#);
    asked.answer(&json!({ "there": 1 }));
    let answer = answering.await.unwrap();
    let heard = events(&answer.body);
    assert_eq!(heard[1], json!({ "jsonrpc": "2.0", "id": 1, "result": { "there": 1 } }));
    let roots = json!({ "jsonrpc": "2.0", "id": heard[0]["id"], "result": {} });
    assert_eq!(world.ask(client.say(&roots)).await.status, 202);
    assert_eq!(world.script.told().await["id"], 4);
    world.script.say(&json!({ "method": "notifications/tools/list_changed" }));
    let news = message(&frame(&mut standing).await.unwrap().unwrap());
    assert_eq!(news["method"], "notifications/tools/list_changed");
    world.sidecar = home;
    let orphan = Client::open(&world).await;
    world.sidecar = away;
    assert_eq!(world.ask(client.ask(Ask::new(Method::DELETE, "/mcp"))).await.status, 204);
    assert!(frame(&mut standing).await.is_none());
    serving.abort();
    assert!(serving.await.is_err());
    let ping = orphan.ask(legacy("ping", &json!({})));
    let gone = world.ask(ping).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (404, -31404));
}

async fn serve(listener: tokio::net::TcpListener, sidecar: Arc<crate::Sidecar>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let sidecar = Arc::clone(&sidecar);
        let service = hyper::service::service_fn(move |request| {
            let sidecar = Arc::clone(&sidecar);
            async move { Ok::<_, std::convert::Infallible>(sidecar.handle(request).await) }
        });
        let stream = hyper_util::rt::TokioIo::new(stream);
        let server = hyper::server::conn::http1::Builder::new();
        connections.spawn(server.serve_connection(stream, service));
    }
}
