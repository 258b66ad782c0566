//! T-MCP-51: what an upstream can do to HTTP itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use mcp::Body;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::support::{
    Ask, RawServer, SOON, World, echo, frame, get, legacy, open_events, read_request,
};

fn call(world: &World) -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"))
}

async fn behind(server: &RawServer, idle: Option<Duration>) -> World {
    let uri = server.uri();
    World::with(echo, |config| {
        config.servers[0].upstream.url = uri;
        config.servers[0].upstream.http.idle_timeout = idle;
    })
    .await
}

/// Heads that are none: 502 with the request's id.
#[tokio::test]
async fn t_mcp_51_heads_that_cannot_be_read() {
    let json = "Content-Type: application/json\r\n";
    for (what, bytes) in [
        ("nothing", String::new()),
        ("no http", "hello\r\n\r\n".to_owned()),
        ("half a head", "HTTP/1.1 200 OK\r\nContent-Ty".to_owned()),
        ("another version", "HTTP/7.3 200 OK\r\n\r\n".to_owned()),
        ("no status", "HTTP/1.1 OK\r\n\r\n".to_owned()),
        (
            "two lengths",
            format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        ),
        ("no length", format!("HTTP/1.1 200 OK\r\n{json}Content-Length: many\r\n\r\n{{}}")),
        (
            "an upgrade",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
                .to_owned(),
        ),
        ("only interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)),
        ("a header without end", format!("HTTP/1.1 200 OK\r\nX-A: {}", "b".repeat(4 << 20))),
        ("headers without end", format!("HTTP/1.1 200 OK\r\n{}", "X-A: b\r\n".repeat(1 << 20))),
    ] {
        let server = RawServer::saying(bytes).await;
        let world = behind(&server, None).await;
        let answer = world.ask(call(&world)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{what}: {answer:?}");
        assert_eq!(answer.json()["id"], 7, "{what}");
        assert_eq!(server.connections(), 1, "{what}");
    }
}

/// However answers are framed, the next request goes over the same connection.
#[tokio::test]
async fn a_connection_is_used_again() {
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for (what, answer) in [
        ("a length", "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".to_owned()),
        ("chunks", format!("Content-Type: application/json\r\n{chunked}2\r\n{{}}\r\n0\r\n\r\n")),
        (
            "events",
            format!("Content-Type: text/event-stream\r\n{chunked}a\r\ndata: {{}}\n\n\r\n0\r\n\r\n"),
        ),
    ] {
        let answer: Arc<str> = format!("HTTP/1.1 200 OK\r\n{answer}").into();
        let server = RawServer::start(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        let server = server.await;
        let world = behind(&server, None).await;
        for _ in 0..3 {
            assert_eq!(world.ask(call(&world)).await.status, 200, "{what}");
        }
        assert_eq!(server.connections(), 1, "{what}");
    }
}

/// Interim answers are no answers, and the final one counts.
#[tokio::test]
async fn t_mcp_51_interim_answers() {
    let server = RawServer::saying(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    )
    .await;
    let world = behind(&server, None).await;
    let answer = world.ask(call(&world)).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"{}"[..]));
    assert_eq!(answer.header("link"), "");
}

async fn first(world: &World, ask: Ask) -> Body {
    let response = world.sidecar.handle(ask.build()).await;
    assert_eq!(response.status(), 200);
    response.into_body()
}

/// Bodies that break off look broken to the client as well: never like a shorter whole one.
#[tokio::test]
async fn t_mcp_51_bodies_that_break_off() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let events =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (what, bytes) in [
        ("shorter than said", format!("{json}Content-Length: 100\r\n\r\n{{\"x\":1}}")),
        ("no last chunk", format!("{json}Transfer-Encoding: chunked\r\n\r\n7\r\n{{\"x\":1}}\r\n")),
        ("half a chunk", format!("{json}Transfer-Encoding: chunked\r\n\r\nff\r\n{{\"x\":1}}")),
        (
            "no chunk size",
            format!("{json}Transfer-Encoding: chunked\r\n\r\n7\r\n{{\"x\":1}}\r\nzz\r\n"),
        ),
        (
            "a huge chunk size",
            format!(
                "{json}Transfer-Encoding: chunked\r\n\r\n7\r\n{{\"x\":1}}\r\nfffffffffffffffff\r\n"
            ),
        ),
        ("half an event", format!("{events}9\r\ndata: {{\"x\r\n")),
    ] {
        let server = RawServer::saying(bytes).await;
        let world = behind(&server, None).await;
        let body = first(&world, call(&world)).await;
        assert!(body.collect().await.is_err(), "{what}");
    }
}

/// A reset in the middle, which takes what was on its way along.
#[tokio::test]
async fn t_mcp_51_a_reset_in_the_middle() {
    let go = Arc::new(Notify::new());
    let may = Arc::clone(&go);
    let server = RawServer::start(move |_, mut stream: TcpStream| {
        let may = Arc::clone(&may);
        async move {
            read_request(&mut stream).await.unwrap();
            let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"x";
            stream.write_all(half.as_bytes()).await.unwrap();
            may.notified().await;
            stream.set_zero_linger().unwrap();
        }
    })
    .await;
    let world = behind(&server, None).await;
    let mut body = first(&world, call(&world)).await;
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "{\"x");
    go.notify_one();
    assert!(frame(&mut body).await.unwrap().is_err());
}

/// More than was said belongs to nobody.
#[tokio::test]
async fn t_mcp_51_bytes_too_many() {
    let server = RawServer::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}{\"id\":7}",
    )
    .await;
    let world = behind(&server, None).await;
    for _ in 0..5 {
        let answer = world.ask(call(&world)).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"{}"[..]));
    }
}

/// An answer that pauses for too long breaks off. Any byte is a sign of life.
#[tokio::test]
async fn t_mcp_51_an_answer_that_pauses() {
    let (streams, mut opened) = mpsc::unbounded_channel();
    let world = World::with(
        move |_| {
            let (feed, events) = mpsc::unbounded_channel();
            streams.send(feed).unwrap();
            open_events(events)
        },
        |config| config.servers[0].upstream.http.idle_timeout = Some(Duration::from_secs(30)),
    )
    .await;
    let mut answer = first(&world, call(&world)).await;
    let feed = opened.recv().await.unwrap();
    let mut standing = first(&world, get("/mcp").bearer(&world.token("mcp:read"))).await;
    let _silent = opened.recv().await.unwrap();
    feed.send(": alive\n\n").unwrap();
    assert_eq!(frame(&mut answer).await.unwrap().unwrap(), ": alive\n\n");
    // From here on the runtime's clock jumps to whatever is waited for.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    // C4: what is ours in it is a sign of life of ours, and not of the server's.
    let comment = || Bytes::from_static(b": keep-alive\n\n");
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), comment());
    let end = answer.frame().await.unwrap();
    assert!(end.is_err() && begun.elapsed() >= Duration::from_secs(30));
    drop(answer);
    while begun.elapsed() < Duration::from_hours(1) {
        let silence = standing.frame().await.unwrap().unwrap();
        assert_eq!(silence.into_data().unwrap(), comment(), "a stream for news may be silent");
    }
}

/// T-MCP-50: whoever reads slowly slows the server down, and nothing piles up between.
#[tokio::test]
async fn t_mcp_50_a_slow_reader_holds_the_server_back() {
    const ENOUGH: usize = 512 << 20;
    let written = Arc::new(AtomicUsize::new(0));
    let (count, stuck) = (Arc::clone(&written), Arc::new(Notify::new()));
    let (waits, gone) = (Arc::clone(&stuck), Arc::new(Notify::new()));
    let leaves = Arc::clone(&gone);
    let server = RawServer::start(move |_, mut stream: TcpStream| {
        let (count, waits, leaves) = (Arc::clone(&count), Arc::clone(&waits), Arc::clone(&leaves));
        async move {
            read_request(&mut stream).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; 64 << 10];
            while count.load(Ordering::SeqCst) < ENOUGH {
                let writing = stream.write(&piece);
                match tokio::time::timeout(Duration::from_millis(300), writing).await {
                    Ok(Ok(bytes)) => _ = count.fetch_add(bytes, Ordering::SeqCst),
                    Ok(Err(_)) => break,
                    Err(_) => waits.notify_one(),
                }
            }
            leaves.notify_one();
        }
    })
    .await;
    let world = behind(&server, None).await;
    let body = first(&world, call(&world)).await;
    tokio::time::timeout(SOON, stuck.notified()).await.expect("the server has to wait");
    let between = written.load(Ordering::SeqCst);
    assert!(between < 32 << 20, "{between} bytes are nowhere but in the sockets");
    drop(body);
    tokio::time::timeout(SOON, gone.notified()).await.expect("the server sees the end");
}

fn event(n: usize) -> String {
    format!("data: {n:0>503}\n\n")
}

/// Ten megabytes in many small pieces: all of them, in order.
#[tokio::test]
async fn t_mcp_51_many_pieces() {
    const PIECES: usize = 20_000;
    let server = RawServer::start(|_, mut stream: TcpStream| async move {
        read_request(&mut stream).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        for n in 0..PIECES {
            let event = event(n);
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    })
    .await;
    let world = behind(&server, None).await;
    let mut body = first(&world, call(&world)).await;
    let mut all = Vec::new();
    while let Some(piece) = frame(&mut body).await {
        let piece: Bytes = piece.unwrap();
        assert!(piece.len() < 1 << 20, "a piece of {} bytes", piece.len());
        all.extend_from_slice(&piece);
    }
    let expected = (0..PIECES).map(event).collect::<Vec<_>>().concat();
    assert!(all == expected.as_bytes(), "{} of {} bytes", all.len(), expected.len());
}
