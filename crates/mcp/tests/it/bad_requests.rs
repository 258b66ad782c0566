//! Clients that send bodies which are none: the right error, and nothing for the upstream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use crate::support::{Answer, Ask, Token, World, echo, legacy, modern, post};

fn call() -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" }))
}

/// G-44: what cannot be read, or could be read in two ways, is refused with the id as
/// far as there is one.
#[tokio::test]
async fn bodies_that_cannot_be_judged() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let deep = |open: &str, depth: usize| {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}"#, open.repeat(depth))
    };
    for (what, body, id) in [
        ("nothing", String::new(), json!(null)),
        ("no JSON", "get_x".to_owned(), json!(null)),
        ("cut short", r#"{"jsonrpc":"2.0","id":7,"method":"ping""#.to_owned(), json!(null)),
        ("two messages", r#"{"jsonrpc":"2.0","id":7,"method":"ping"}{}"#.to_owned(), json!(null)),
        ("deep arrays", deep("[", 200_000), json!(null)),
        ("deep objects", deep("{\"a\":", 200_000), json!(null)),
        ("two methods", r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call"}"#.to_owned(), json!(7)),
        ("two names", r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_x","name":"run_x"}}"#.to_owned(), json!(7)),
        ("another case", r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_x","Name":"run_x"}}"#.to_owned(), json!(7)),
        ("another version", r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#.to_owned(), json!(7)),
        ("a method of another kind", r#"{"jsonrpc":"2.0","id":7,"method":7}"#.to_owned(), json!(7)),
        ("an id of another kind", r#"{"jsonrpc":"2.0","id":[7],"method":"ping"}"#.to_owned(), json!(null)),
    ] {
        let answer = world.ask(post(&body).bearer(&token)).await;
        assert_eq!(answer.status, 400, "{what}: {answer:?}");
        let message = answer.json();
        let got = message.get("id").cloned().unwrap_or_default();
        assert!(got == id || got.is_null(), "{what}: {message}");
        assert!(message["error"]["code"].is_i64(), "{what}: {message}");
    }
    assert!(world.server.requests().is_empty(), "nothing went on");
}

/// T-MCP-46: what the headers say must be what the body says.
#[tokio::test]
async fn t_mcp_46_headers_that_say_something_else() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ask = || modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    for (what, ask) in [
        ("the method", ask().instead("mcp-method", "ping")),
        ("the name", ask().instead("mcp-name", "run_x")),
        ("two names", ask().header("mcp-name", "get_x")),
        ("the revision", ask().instead("mcp-protocol-version", "2025-11-25")),
    ] {
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (400, &json!(7)), "{what}");
    }
    assert!(world.server.requests().is_empty());
}

type Piece = Result<Frame<Bytes>, std::io::Error>;

/// A request with the headers of `ask` and a body of these pieces.
async fn streamed(
    world: &World,
    ask: Ask,
    pieces: impl stream::Stream<Item = Piece> + Send + Unpin + 'static,
) -> Answer {
    let (parts, _) = ask.bearer(&world.token("mcp:read")).build().into_parts();
    let request = Request::from_parts(parts, StreamBody::new(pieces));
    let response: Response<_> = world.sidecar.handle(request).await;
    Answer::read(response).await
}

fn half() -> Frame<Bytes> {
    Frame::data(Bytes::from_static(br#"{"jsonrpc":"2.0","id":7,"#))
}

/// A body that never ends, or comes forever in small pieces.
#[tokio::test]
async fn slow_bodies() {
    let world = World::with(echo, |config| {
        config.limits.body_timeout = Duration::from_millis(50);
        config.limits.body_bytes = 1000;
    })
    .await;
    let never = stream::StreamExt::chain(stream::iter([Ok(half())]), stream::pending());
    let answer = streamed(&world, call(), never).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (408, -31413));
    let forever = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(b" "))));
    let answer = streamed(&world, call(), forever).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (413, -31413));
    assert!(world.server.requests().is_empty());
}

/// A6: one person's bodies take so much memory and no more, however many clients they have; small
/// requests and other people find room.
#[tokio::test]
async fn large_bodies_of_one_person_are_bounded() {
    let world = World::with(echo, |config| config.limits.body_bytes = 1 << 20).await;
    let world = Arc::new(world);
    let (held, kept_open) = tokio::sync::watch::channel(());
    let large = || Bytes::from(vec![b' '; 1 << 20]);
    let slow = |who: &'static str, client: usize| {
        let token = Token::new("mcp:read")
            .claim("sub", who)
            .claim("client_id", format!("client_{client}"))
            .sign(&world.authority.key());
        let (world, mut kept_open) = (Arc::clone(&world), kept_open.clone());
        let rest = stream::once(Box::pin(async move {
            kept_open.changed().await.ok();
            Piece::Ok(Frame::data(Bytes::new()))
        }));
        let pieces = stream::StreamExt::chain(stream::iter([Ok(Frame::data(large()))]), rest);
        async move {
            let (parts, _) = call().bearer(&token).build().into_parts();
            let request = Request::from_parts(parts, StreamBody::new(pieces));
            let response: Response<_> = world.sidecar.handle(request).await;
            response.status().as_u16()
        }
    };
    let mut one = tokio::task::JoinSet::new();
    for client in 0..40 {
        one.spawn(slow("sub_greedy", client));
    }
    // Sixteen bodies are held; the others are refused at once.
    for _ in 0..24 {
        assert_eq!(one.join_next().await.unwrap().unwrap(), 429);
    }
    let small = world.ask(call().bearer(&world.token("mcp:read"))).await;
    assert_eq!(small.status, 200);
    let other = tokio::spawn(slow("sub_other", 1));
    held.send(()).unwrap();
    assert_eq!(other.await.unwrap(), 400, "no JSON, but received");
    while let Some(status) = one.join_next().await {
        assert_eq!(status.unwrap(), 400);
    }
}

/// A client that breaks off in the middle has asked for nothing.
#[tokio::test]
async fn truncated_bodies() {
    let world = World::new(echo).await;
    let broken = [Ok(half()), Err(std::io::Error::other("gone"))];
    let answer = streamed(&world, call(), stream::iter(broken)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600));
    assert!(world.server.requests().is_empty());
}
