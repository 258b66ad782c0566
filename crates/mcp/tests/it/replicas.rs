//! Two sidecars of one deployment, each on its own listener: what one holds, the other finds.

use std::sync::Arc;

use http::{Method, Response};
use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kernel::OsRandom;
use mcp::Sidecar;
use serde_json::json;
use tokio::net::TcpListener;

use crate::sessions::sessions;
use crate::sse_front::{Stream, with_front};
use crate::support::{Ask, TestServer, Token, World, config, get, status, text};

/// A sidecar that other replicas reach at a real address.
struct Replica {
    sidecar: Arc<Sidecar>,
    address: std::net::SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Replica {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sidecar = Self::named(world, &format!("http://{address}"));
        let serving = tokio::spawn(serve(listener, Arc::clone(&sidecar)));
        Self { sidecar, address, serving }
    }

    /// A sidecar that others know under this URL.
    fn named(world: &World, url: &str) -> Arc<Sidecar> {
        let mut config = config(world.server.uri());
        with_front(&mut config);
        config.peer_url = Some(url.parse().unwrap());
        config.allowed_hosts.push(url.trim_start_matches("http://").to_owned());
        let (clock, random) = (Arc::new(world.clock.clone()), Arc::new(OsRandom::new()));
        Sidecar::new(config, world.authority.clone(), clock, random).unwrap()
    }

    async fn ask(&self, ask: Ask) -> crate::support::Answer {
        crate::support::Answer::read(self.sidecar.handle(ask.build()).await).await
    }

    async fn open(&self, token: &str) -> Stream {
        let response = self.sidecar.handle(get("/sse").bearer(token).build()).await;
        Stream::of(response, token).await
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, sidecar: Arc<Sidecar>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let sidecar = Arc::clone(&sidecar);
        let service = service_fn(move |request| {
            let sidecar = Arc::clone(&sidecar);
            async move { Ok::<_, std::convert::Infallible>(sidecar.handle(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
    }
}

fn initialize() -> serde_json::Value {
    let params = json!({ "protocolVersion": "2024-11-05", "capabilities": {} });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": params })
}

/// D-36, D-62: the POST arrives elsewhere, the answer on the stream.
#[tokio::test]
async fn a_post_finds_its_stream_at_another_replica() {
    let world = World::new(sessions).await;
    let (here, there) = (Replica::start(&world).await, Replica::start(&world).await);
    let token = world.token("mcp:read");
    let mut stream = there.open(&token).await;
    let answer = here.ask(stream.post(&initialize()).header("connection", "close, x-y")).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (202, ""));
    assert_eq!(answer.header("connection"), "");
    assert_eq!(stream.next().await["result"]["protocolVersion"], "2024-11-05");
    let refused = here.ask(stream.post(&json!("no message"))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600), "as it was said there");
}

/// The other replica looks at the token itself, and principals stay apart.
#[tokio::test]
async fn g_20_nothing_is_handed_over_for_somebody_else() {
    let world = World::new(sessions).await;
    let (here, there) = (Replica::start(&world).await, Replica::start(&world).await);
    let stream = there.open(&world.token("mcp:read")).await;
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let ask = stream.post(&initialize()).instead("authorization", &format!("Bearer {other}"));
    assert_eq!(here.ask(ask).await.status, 404);
    assert_eq!(here.ask(stream.post(&initialize()).without("authorization")).await.status, 401);
    assert!(world.server.requests().is_empty());
}

/// A replica that is gone took what it held along: 404, and the client starts again.
#[tokio::test]
async fn what_a_gone_replica_held_is_gone() {
    let world = World::new(sessions).await;
    let (here, there) = (Replica::start(&world).await, Replica::start(&world).await);
    let stream = there.open(&world.token("mcp:read")).await;
    there.serving.abort();
    while tokio::net::TcpStream::connect(there.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let answer = here.ask(stream.post(&initialize())).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (404, -31404));
}

/// A request is handed over once: two replicas that take each other's name do not play ball.
#[tokio::test]
async fn nothing_goes_in_circles() {
    let world = World::new(sessions).await;
    let here = Replica::start(&world).await;
    // It seals its handles with the other's name, and holds the streams itself.
    let liar = Replica::named(&world, &format!("http://{}", here.address));
    let token = world.token("mcp:read");
    let stream = Stream::of(liar.handle(get("/sse").bearer(&token).build()).await, &token).await;
    assert_eq!(here.ask(stream.post(&initialize())).await.status, 404, "it is not held here");
    let there = Replica::start(&world).await;
    let stream = there.open(&token).await;
    let again = stream.post(&initialize()).header("x-wicketgate-handed-over", "1");
    assert_eq!(here.ask(again).await.status, 404);
    assert!(world.server.requests().is_empty());
}

/// What goes over is the client's request; what comes back is the other's answer, untouched.
#[tokio::test]
async fn headers_and_body_travel_untouched() {
    let world = World::new(sessions).await;
    let spy = TestServer::start(|_| {
        let headers =
            [("content-type", "application/json"), ("x-said", "there"), ("retry-after", "5")];
        status(429, &headers, "{ \"a\" : 1.0 }")
    })
    .await;
    let spied = format!("http://{}", spy.uri().authority().unwrap());
    let liar = Replica::named(&world, &spied);
    let here = Replica::start(&world).await;
    let token = world.token("mcp:read");
    let stream = Stream::of(liar.handle(get("/sse").bearer(&token).build()).await, &token).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = here.ask(stream.post(&initialize()).header("traceparent", trace)).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (429, "{ \"a\" : 1.0 }"));
    assert_eq!((answer.header("x-said"), answer.header("retry-after")), ("there", "5"));
    let sent = spy.request();
    assert_eq!(sent.method, Method::POST);
    assert_eq!(sent.uri.path_and_query().unwrap().as_str(), stream.endpoint);
    assert_eq!(&sent.body[..], initialize().to_string().as_bytes());
    assert_eq!(sent.header("authorization"), format!("Bearer {token}"));
    assert_eq!(sent.header("host"), spied.trim_start_matches("http://"));
    assert_eq!((sent.header("traceparent"), sent.header("x-wicketgate-handed-over")), (trace, "1"));
}

/// The whole front over a real connection: the stream flows, and ends when the client leaves.
#[tokio::test]
async fn d_62_over_a_real_connection() {
    let world = World::new(sessions).await;
    let replica = Replica::start(&world).await;
    let token = world.token("mcp:read");
    let client: Client<_, http_body_util::Full<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let url = |path: &str| format!("http://{}{path}", replica.address);
    let mut opened = get("/sse").bearer(&token).build();
    *opened.uri_mut() = url("/sse").parse().unwrap();
    let response: Response<_> = client.request(opened).await.unwrap();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let endpoint = text(&first).trim_start_matches("event: endpoint\ndata: ").trim().to_owned();
    let mut ask = crate::support::post(&initialize().to_string()).bearer(&token).build();
    *ask.uri_mut() = url(&endpoint).parse().unwrap();
    assert_eq!(client.request(ask.clone()).await.unwrap().status(), 202);
    let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(text(&event).contains("\"protocolVersion\":\"2024-11-05\""));
    drop(body);
    while client.request(ask.clone()).await.unwrap().status() != 404 {
        tokio::task::yield_now().await;
    }
}
