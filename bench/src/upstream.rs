//! The upstream MCP server: Streamable HTTP on one thread, with every answer ready.
//!
//! The path says which server it is: `/mcp` (20 tools) and `/big` (1,000 tools) answer the same
//! whatever the session or revision is; `/modern` speaks 2026-07-28 and nothing else, `/legacy`
//! 2025-11-25 and nothing else. The last two have streams that stand.

mod answers;
mod events;
mod news;
mod place;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::tool;
use answers::Answers;
use events::Pace;
use place::Place;

type Events = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;
type Body = Either<Full<Bytes>, Events>;

/// What of a message decides about its answer.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: &'a str,
    #[serde(borrow, default)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(default)]
    name: &'a str,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(borrow)]
    notifications: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
}

/// What all connections share.
struct Server {
    answers: Answers,
    start: Instant,
}

/// Serves until the process ends.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let server = Arc::new(Server { answers: Answers::new(), start: Instant::now() });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} is not free"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let server = Arc::clone(&server);
        let service = service_fn(move |request| answer(Arc::clone(&server), request));
        // A client that goes away is nobody's mistake.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    server: Arc<Server>,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    let place = Place::at(request.uri().path());
    match *request.method() {
        Method::POST => {}
        Method::GET if place.has_sessions_with_news() => {
            return Ok(events_of(news::standing(place.news(), server.start)));
        }
        Method::DELETE => return Ok(empty(StatusCode::OK)),
        _ => return Ok(empty(StatusCode::METHOD_NOT_ALLOWED)),
    }
    let body = request.into_body().collect().await?.to_bytes();
    let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let Some(id) = message.id.map(RawValue::get) else {
        return Ok(empty(StatusCode::ACCEPTED));
    };
    Ok(answer_to(&server, place, &message, id))
}

fn answer_to(server: &Server, place: Place, message: &Message<'_>, id: &str) -> Response<Body> {
    let Server { answers, start } = server;
    let Params { name, meta, notifications } = &message.params;
    let common = if place.is_modern() { &answers.modern } else { &answers.plain };
    let progress = |pace| {
        let token = meta.as_ref().and_then(|meta| meta.progress_token);
        events::progress(id, token.map_or(id, RawValue::get), pace, place.is_modern())
    };
    if !place.knows(message.method) {
        let mut response = json(answers::unknown(id));
        // MCP 2026-07-28, "Streamable HTTP".
        if place.is_modern() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        return response;
    }
    match (message.method, *name) {
        ("initialize", _) if place.has_sessions_with_news() => {
            in_a_session(json(answers.newsy_initialize.for_id(id)))
        }
        ("initialize", _) => in_a_session(json(answers.initialize.for_id(id))),
        ("server/discover", _) => json(answers.discover.for_id(id)),
        ("subscriptions/listen", _) => {
            let filter = notifications.map_or("{}", RawValue::get);
            events_of(news::subscribed(id, filter, place.news(), *start))
        }
        ("resources/subscribe" | "resources/unsubscribe", _) => json(answers.nothing.for_id(id)),
        ("tools/list", _) if place.is_big() => json(answers.big_list.for_id(id)),
        ("tools/list", _) => json(common.list.for_id(id)),
        ("tools/call", tool::LARGE) => json(answers.large.for_id(id)),
        ("tools/call", tool::HUGE) => in_parts(answers.huge.parts_for_id(id)),
        ("tools/call", tool::PROGRESS) => events_of(progress(Pace::AtOnce)),
        ("tools/call", tool::SLOW) => events_of(progress(Pace::Slow)),
        ("tools/call", _) => json(common.small.for_id(id)),
        _ => json(answers::unknown(id)),
    }
}

/// JSON of a known length, of which no copy is made.
fn in_parts(parts: [Bytes; 3]) -> Response<Body> {
    let length = parts.iter().map(Bytes::len).sum::<usize>();
    let frames = stream::iter(parts).map(|part| Ok(Frame::data(part)));
    let body = Either::Right(StreamBody::new(frames.boxed()));
    let mut response = of_type("application/json", body);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn json(body: Bytes) -> Response<Body> {
    of_type("application/json", Either::Left(Full::new(body)))
}

/// The header asks proxies not to collect the stream, as MCP servers do.
fn events_of(events: Events) -> Response<Body> {
    let mut response = of_type("text/event-stream", Either::Right(events));
    let no = HeaderValue::from_static("no");
    response.headers_mut().insert("x-accel-buffering", no);
    response
}

fn of_type(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let value = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

fn in_a_session(mut response: Response<Body>) -> Response<Body> {
    let id = HeaderValue::from_static("7f0c2f4e5a1b4c3d8e9f60718293a4b5");
    response.headers_mut().insert("mcp-session-id", id);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}
