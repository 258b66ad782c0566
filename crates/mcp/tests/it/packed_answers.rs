//! Upstreams that compress what they were asked to send plain.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use mcp::EraChoice;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Answer, Recorded, Reply, World, frame, get, legacy, modern, status, text};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const TOOLS: &str = r#"{"tools":[{"name":"get_x"},{"name":"admin_secret"}]}"#;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// 200 with these bytes, in pieces of a size.
fn answer(kind: &'static str, coding: &'static str, bytes: &[u8], size: usize) -> Reply {
    let pieces: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    let frames = stream::iter(pieces).map(|piece| Ok(Frame::data(piece)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", kind.parse().unwrap());
    response.headers_mut().insert("content-encoding", coding.parse().unwrap());
    Box::pin(async { response })
}

fn list(request: &Recorded) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{TOOLS}}}"#, request.message()["id"])
}

fn names(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-encoding"), "");
    let message = answer.json();
    let names = message["result"]["tools"].as_array().unwrap().iter();
    names.map(|tool| tool["name"].clone()).collect()
}

/// What is unpacked goes through the filter like anything else, however it arrives.
#[tokio::test]
async fn a_packed_list_is_filtered() {
    for (kind, coding, size) in
        [(JSON, "gzip", 1), (JSON, "GZIP", 1 << 20), (JSON, "x-gzip", 7), (EVENTS, "gzip", 3)]
    {
        let world = World::new(move |request| {
            let list = list(request);
            let text = if kind == EVENTS { format!("id: 1\ndata: {list}\n\n") } else { list };
            // Two members are one text (RFC 1952 §2.2).
            let (first, second) = text.as_bytes().split_at(20);
            answer(kind, coding, &[packed(first), packed(second)].concat(), size)
        })
        .await;
        let token = world.token("mcp:read");
        let seen = world.ask(legacy("tools/list", &json!({})).bearer(&token)).await;
        assert_eq!(names(&seen), json!(["get_x"]), "{kind} {coding}");
        assert_eq!(world.server.request().header("accept-encoding"), "identity");
    }
}

/// A list on an answer where none was asked for, or on a GET stream, does not get round the filter
/// in a packed form.
#[tokio::test]
async fn packed_answers_are_watched() {
    let world = World::new(|request| {
        let stray = format!(r#"{{"jsonrpc":"2.0","id":99,"result":{TOOLS}}}"#);
        if request.method == http::Method::GET {
            return answer(EVENTS, "gzip", &packed(format!("data: {stray}\n\n").as_bytes()), 5);
        }
        answer(JSON, "gzip", &packed(stray.as_bytes()), 5)
    })
    .await;
    let token = world.token("mcp:read");
    let called = world.ask(legacy("tools/call", &json!({ "name": "get_x" })).bearer(&token)).await;
    assert!(!text(&called.body).contains("admin_secret"), "{called:?}");
    let stream = world.ask(get("/mcp").header("accept", EVENTS).bearer(&token)).await;
    assert!(text(&stream.body).contains("get_x"), "{stream:?}");
    assert!(!text(&stream.body).contains("admin_secret"), "{stream:?}");
}

/// Events of a packed stream are here before the next is sent.
#[tokio::test]
async fn packed_events_arrive_one_by_one() {
    let (feed, events) = mpsc::unbounded_channel::<Bytes>();
    let events = std::sync::Mutex::new(Some(events));
    let world = World::new(move |_| {
        let mut events = events.lock().unwrap().take().unwrap();
        let events = stream::poll_fn(move |cx| events.poll_recv(cx));
        let frames = events.map(|piece| Ok(Frame::data(piece)));
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        response.headers_mut().insert("content-type", EVENTS.parse().unwrap());
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        Box::pin(async { response })
    })
    .await;
    let ask = modern("subscriptions/listen", &json!({ "notifications": {} }));
    let ask = ask.bearer(&world.token("mcp:read"));
    let mut body = world.sidecar.handle(ask.build()).await.into_body();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for number in 0..3 {
        let event = format!("data: {{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"n\":{number}}}\n\n");
        encoder.write_all(event.as_bytes()).unwrap();
        encoder.flush().unwrap();
        feed.send(std::mem::take(encoder.get_mut()).into()).unwrap();
        let mut seen = String::new();
        while !seen.ends_with("\n\n") {
            seen.push_str(text(&frame(&mut body).await.unwrap().unwrap()));
        }
        assert_eq!(seen, event);
    }
}

/// A limit is one on what comes out: a megabyte that becomes a gigabyte is refused like a gigabyte,
/// and little of it is ever there.
#[tokio::test]
async fn what_swells_is_too_large() {
    const LIMIT: usize = 256 << 10;
    let bomb = packed(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < LIMIT);
    let world = World::with(
        move |request| {
            let kind = if request.message()["id"] == 8 { EVENTS } else { JSON };
            answer(kind, "gzip", &bomb, 1 << 20)
        },
        |config| config.limits.list_bytes = LIMIT,
    )
    .await;
    let token = world.token("mcp:read");
    for id in [7, 8] {
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list" }).to_string();
        let ask = legacy("tools/list", &json!({})).body(&body).bearer(&token);
        let answer = world.ask(ask).await;
        assert!(answer.status == 502 || answer.body.is_empty(), "{answer:?}");
    }
}

/// Half an answer, a wrong checksum, and what is no gzip at all.
#[tokio::test]
async fn damaged_packings_do_not_pass() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 5] = [
        ("cut off", |bytes| bytes[..bytes.len() - 12].to_vec()),
        ("no checksum", |bytes| bytes[..bytes.len() - 8].to_vec()),
        ("wrong checksum", |mut bytes| {
            let last = bytes.len() - 8;
            bytes[last] ^= 1;
            bytes
        }),
        ("something after it", |bytes| [bytes, b"{}".to_vec()].concat()),
        ("plain", |_| br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}"#.to_vec()),
    ];
    for (what, damage) in damages {
        let world = World::new(move |request| {
            answer(JSON, "gzip", &damage(packed(list(request).as_bytes())), 11)
        })
        .await;
        let ask = legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
        let answer = world.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{what}");
    }
}

/// What is not unpacked is refused at once, and by its name, on every way to a server.
#[tokio::test]
async fn other_codings_are_named() {
    for (coding, named) in [
        ("br", "br"),
        ("zstd", "zstd"),
        ("Deflate", "deflate"),
        ("compress", "nobody knows"),
        ("gzip, gzip", "nobody knows"),
    ] {
        for era in [EraChoice::Both, EraChoice::Auto, EraChoice::Legacy] {
            let world = World::with(
                move |_| status(200, &[("content-type", JSON), ("content-encoding", coding)], "{}"),
                move |config| config.servers[0].upstream.eras = era,
            )
            .await;
            let token = world.token("mcp:read");
            let ask = modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
            let answer = world.ask(ask).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{coding}");
            let message = answer.json()["error"]["message"].clone();
            assert!(message.as_str().unwrap().contains(named), "{message}");
        }
    }
}

/// A server whose generation is asked about, and to which the sidecar holds the session.
#[tokio::test]
async fn a_bridged_server_may_pack_its_answers() {
    let world = World::with(
        |request| {
            let message = request.message();
            assert_eq!(request.header("accept-encoding"), "identity");
            if message["id"].is_null() {
                return status(202, &[], "");
            }
            let result = match request.rpc_method().as_str() {
                "initialize" => json!({ "protocolVersion": "2025-11-25",
                    "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } }),
                "tools/list" => serde_json::from_str(TOOLS).unwrap(),
                _ => return status(404, &[], ""),
            };
            let message = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
            answer(JSON, "gzip", &packed(message.to_string().as_bytes()), 9)
        },
        |config| config.servers[0].upstream.eras = EraChoice::Auto,
    )
    .await;
    let ask = modern("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(names(&world.ask(ask).await), json!(["get_x"]));
}

/// Some servers say that they did nothing to the body, and some answer nothing at all, packed.
#[tokio::test]
async fn nothing_to_unpack() {
    let identity = [("content-type", JSON), ("content-encoding", "identity")];
    let world = World::new(move |_| status(200, &identity, "{}")).await;
    let ask = || legacy("ping", &json!({}));
    assert_eq!(world.ask(ask().bearer(&world.token(""))).await.body, "{}");
    let world = World::new(|_| status(202, &[("content-encoding", "gzip")], "")).await;
    let told = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let answer = world.ask(ask().body(told).bearer(&world.token(""))).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
}
