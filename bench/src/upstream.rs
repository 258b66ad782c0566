//! The MCP server behind: Streamable HTTP on one thread, with every answer ready.
//!
//! It has as many tools as the path says (`/mcp`: 20, `/big`: 1,000), and answers the same
//! whatever the session or revision is.

mod answers;
mod events;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

use crate::tool;
use answers::Answers;
use events::Pace;

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
}

/// Serves until the process ends.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let answers = Arc::new(Answers::new());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} is not free"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        let service = service_fn(move |request| answer(Arc::clone(&answers), request));
        // A client that goes away is nobody's mistake.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    answers: Arc<Answers>,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    match *request.method() {
        Method::POST => {}
        Method::DELETE => return Ok(empty(StatusCode::OK)),
        _ => return Ok(empty(StatusCode::METHOD_NOT_ALLOWED)),
    }
    let big = request.uri().path().ends_with("/big");
    let body = request.into_body().collect().await?.to_bytes();
    let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let Some(id) = message.id.map(RawValue::get) else {
        return Ok(empty(StatusCode::ACCEPTED));
    };
    Ok(match (message.method, message.params.name) {
        ("initialize", _) => in_a_session(json(answers.initialize.for_id(id))),
        ("tools/list", _) if big => json(answers.big_list.for_id(id)),
        ("tools/list", _) => json(answers.list.for_id(id)),
        ("tools/call", tool::LARGE) => json(answers.large.for_id(id)),
        ("tools/call", tool::PROGRESS) => stream(events::progress(id, Pace::AtOnce)),
        ("tools/call", tool::SLOW) => stream(events::progress(id, Pace::Slow)),
        ("tools/call", _) => json(answers.small.for_id(id)),
        _ => json(answers::unknown(id)),
    })
}

fn json(body: Bytes) -> Response<Body> {
    of_type("application/json", Either::Left(Full::new(body)))
}

/// The header asks proxies not to collect the stream, as MCP servers do.
fn stream(events: Events) -> Response<Body> {
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
