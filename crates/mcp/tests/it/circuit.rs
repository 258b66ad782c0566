//! What is tried again, and when no try is made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{Ask, RawServer, SOON, TestServer, World, echo, legacy, read_request};

fn call(world: &World) -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"))
}

/// After some refusals nobody knocks for a while; then one request does, and its success is
/// everybody's.
#[tokio::test]
async fn a_circuit_opens_and_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::with(echo, |config| {
        config.servers[0].upstream.url = format!("http://{address}/mcp").parse().unwrap();
    })
    .await;
    for _ in 0..3 {
        assert_eq!(world.ask(call(&world)).await.status, 503);
    }
    let server = TestServer::on(TcpListener::bind(address).await.unwrap(), echo);
    let answer = world.ask(call(&world)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, -31503));
    assert_eq!(server.requests().len(), 0, "not even tried");
    world.clock.advance_seconds(1);
    for _ in 0..3 {
        assert_eq!(world.ask(call(&world)).await.status, 200);
    }
}

/// One person's tool that kills its connection closes the way for nobody.
#[tokio::test]
async fn only_connections_open_a_circuit() {
    let server = RawServer::start(|_, mut stream| async move {
        let request = read_request(&mut stream).await.unwrap_or_default();
        if request.contains("get_y") {
            let _ = stream.write_all(ANSWER.as_bytes()).await;
        }
    })
    .await;
    let world = behind(&server).await;
    for _ in 0..10 {
        assert_eq!(world.ask(call(&world)).await.status, 502);
    }
    let good = legacy("tools/call", &json!({ "name": "get_y" })).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(good).await.status, 200);
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n\
                      {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}";

async fn behind(server: &RawServer) -> World {
    let uri = server.uri();
    World::with(echo, |config| config.servers[0].upstream.url = uri).await
}

/// Reads the request, and breaks off instead of answering the first time.
async fn breaking_once() -> (RawServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let act = move |_, mut stream: TcpStream| {
        let count = Arc::clone(&count);
        async move {
            while read_request(&mut stream).await.is_some() {
                if count.fetch_add(1, Ordering::SeqCst) == 0 {
                    return;
                }
                let _ = stream.write_all(ANSWER.as_bytes()).await;
            }
        }
    };
    (RawServer::start(act).await, asked)
}

/// What may have been executed is never sent twice.
#[tokio::test]
async fn a_call_is_sent_once() {
    for method in ["tools/call", "resources/read", "initialize", "subscriptions/listen"] {
        let (server, asked) = breaking_once().await;
        let world = behind(&server).await;
        let ask = legacy(method, &json!({ "name": "get_x", "uri": "x://y" }));
        let answer = world.ask(ask.bearer(&world.token("mcp:read"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{method}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{method}");
    }
}

#[tokio::test]
async fn what_only_reads_is_sent_once_more() {
    for method in ["prompts/list", "resources/list", "resources/templates/list", "ping"] {
        let (server, asked) = breaking_once().await;
        let world = behind(&server).await;
        let ask = legacy(method, &json!({})).bearer(&world.token("mcp:read"));
        assert_eq!(world.ask(ask).await.status, 200, "{method}");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{method}");
    }
    let server = RawServer::saying("").await;
    let world = behind(&server).await;
    let ask = legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(ask).await.status, 502);
    assert_eq!(server.connections(), 2, "once more, and not for ever");
}

/// Servers close idle connections whenever they like; no call may be lost by that.
#[tokio::test]
async fn a_connection_that_closed_in_the_pool_loses_no_call() {
    let (closed, mut closures) = mpsc::unbounded_channel();
    let server = RawServer::start(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            if read_request(&mut stream).await.is_none() {
                return;
            }
            stream.write_all(ANSWER.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            // The other side closes in turn when it has seen it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let world = behind(&server).await;
    for _ in 0..20 {
        assert_eq!(world.ask(call(&world)).await.status, 200);
        tokio::time::timeout(SOON, closures.recv()).await.unwrap().unwrap();
    }
}

/// T-MCP-43: a server that answers twice poisons nobody's next request.
#[tokio::test]
async fn t_mcp_43_an_answer_too_many_reaches_nobody() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&heard);
    let server = RawServer::start(move |_, mut stream| {
        let list = Arc::clone(&list);
        async move {
            while let Some(request) = read_request(&mut stream).await {
                list.lock().unwrap().push(request);
                let poison = ANSWER.replace("{}}", "[]}");
                let both = format!("{ANSWER}{poison}");
                if stream.write_all(both.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let world = behind(&server).await;
    for _ in 0..50 {
        let answer = world.ask(call(&world)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["result"]), (200, &json!({})));
    }
    assert_eq!(heard.lock().unwrap().len(), 50);
}
