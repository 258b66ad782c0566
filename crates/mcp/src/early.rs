//! A stream of events that begins before the upstream has answered.
//!
//! A Python client that signs in by OAuth holds one lock for all its requests until the headers of
//! an answer come, so that one slow call holds up all others. What such a client waits for longer
//! than a moment is answered as a stream; everybody else gets the server's own form.
//!
//! By then the request was judged, so that only the server's part is open. What would have been an
//! HTTP status is an error in the stream, and a session that was lost is 404 to the next request. A
//! standing stream has nobody to tell an error to, and ends.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyStream, LengthLimitError, StreamBody};
use protocol::jsonrpc::error_response;
use protocol::mcp::{NOT_TAKEN, UPSTREAM_UNAVAILABLE};
use serde_json::value::RawValue;

use crate::body::Body;
use crate::front::events_response;
use crate::server::Server;
use crate::stream::heartbeat::{COMMENT, SILENCE};
use crate::upstream::wire::events;
use crate::upstream::wire::json::{Members, Object};
use crate::upstream::wire::{BodyError, whole};

/// A request that waits for nothing but the upstream. Set once it does.
pub(crate) type Waiting = Arc<OnceLock<PendingRequest>>;

/// What has to be known of it.
#[derive(Clone)]
pub(crate) struct PendingRequest {
    pub(crate) wants: Wanted,
    /// The session that it names.
    pub(crate) session: Option<[u8; 32]>,
}

/// What a client waits for.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// The answer to the request with this id, as it was written.
    Answer(Box<str>),
    /// The standing stream, or a resumed one after the event with this id, as the client knows it.
    Stream(Option<HeaderValue>),
}

/// How long an answer may take before the stream begins.
const MOMENT: Duration = Duration::from_secs(1);

/// Larger events are refused by the Python SDK.
const LARGEST: usize = 1 << 20;

/// The last that is said in a stream which the server turns out not to have: its client is not to ask
/// for it again at once.
const NOT_SOON: Bytes = Bytes::from_static(b"retry: 30000\n\n");

/// The HTTP library of the Python SDK, in both its names.
const LIBRARY: &[u8] = b"python-httpx";

/// The answer of the upstream, on its way.
type Work = BoxFuture<'static, Response<Body>>;

/// Whether a request comes from such a client, which also says that it reads streams.
pub(crate) fn is_wanted(parts: &Parts) -> bool {
    let holds = |name: HeaderName, part: &[u8]| {
        let values = parts.headers.get_all(name).iter();
        values.map(HeaderValue::as_bytes).any(|value| memchr::memmem::find(value, part).is_some())
    };
    let agent = parts.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    matches!(parts.method, Method::POST | Method::GET)
        && agent.is_some_and(|agent| agent.starts_with(LIBRARY))
        && holds(ACCEPT, b"text/event-stream")
}

/// The answer that `work` comes to, if that is soon; otherwise a stream in which it will be.
pub(crate) async fn answer(
    server: Arc<Server>,
    mut work: Work,
    waiting: Waiting,
) -> Response<Body> {
    let pending = loop {
        if let Ok(response) = tokio::time::timeout(MOMENT, &mut work).await {
            return response;
        }
        if let Some(pending) = waiting.get() {
            break pending.clone();
        }
    };
    let (beginning, stands) = match &pending.wants {
        Wanted::Answer(_) => (None, false),
        Wanted::Stream(after) => (after.as_ref().map(events::beginning_after), true),
    };
    let told = stream::unfold(Progress::Waiting(work), move |told| {
        let (server, pending) = (Arc::clone(&server), pending.clone());
        told.next(server, pending)
    });
    let told = stream::iter(beginning.map(Frame::data).map(Ok)).chain(told);
    let told = Box::pin(StreamBody::new(Box::pin(told)));
    events_response(if stands { Body::standing(told) } else { Body::streamed(told) })
}

/// What the client is told.
enum Progress {
    Waiting(Work),
    Answer(BoxStream<'static, Result<Frame<Bytes>, BodyError>>),
}

impl Progress {
    async fn next(
        self,
        server: Arc<Server>,
        pending: PendingRequest,
    ) -> Option<(Result<Frame<Bytes>, BodyError>, Self)> {
        let mut answer = match self {
            Self::Answer(answer) => answer,
            Self::Waiting(mut work) => match tokio::time::timeout(SILENCE, &mut work).await {
                Ok(response) => as_events(&server, &pending, response).await,
                Err(_) => return Some((Ok(Frame::data(COMMENT)), Self::Waiting(work))),
            },
        };
        let frame = answer.next().await?;
        Some((frame, Self::Answer(answer)))
    }
}

/// An answer as events.
async fn as_events(
    server: &Server,
    pending: &PendingRequest,
    response: Response<Body>,
) -> BoxStream<'static, Result<Frame<Bytes>, BodyError>> {
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::OK && is(&parts.headers, b"text/event-stream") {
        return StreamExt::boxed(BodyStream::new(body));
    }
    if parts.status == StatusCode::NOT_FOUND
        && let Some(session) = pending.session
    {
        server.sessions.lose(session);
    }
    let last = match &pending.wants {
        Wanted::Stream(_) => parts.status.is_client_error().then_some(NOT_SOON),
        Wanted::Answer(id) => Some(answered(id, parts.status, body).await),
    };
    stream::iter(last.map(Frame::data).map(Ok)).boxed()
}

/// The event that says what became of a request.
async fn answered(id: &str, status: StatusCode, body: Body) -> Bytes {
    let message = match whole(body, LARGEST).await {
        Ok(whole) => as_answer(&whole, id, status),
        Err(error) if error.is::<LengthLimitError>() => too_large(id),
        Err(_) => failed(id, status),
    };
    events::of_foreign_message(message.as_bytes())
}

/// The JSON-RPC answer that a body is, under the id that was asked with; or an error in its place.
fn as_answer(body: &[u8], id: &str, status: StatusCode) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let Ok(message) = Members::read(text) else { return failed(id, status) };
    let is_error = message.get("error").is_some_and(|error| error.get() != "null");
    let answers = is_error || status.is_success() && message.get("result").is_some();
    match message.get("id").map(RawValue::get) {
        _ if !answers => failed(id, status),
        Some(given) if given != "null" => text.to_owned(),
        _ => {
            let mut named = Object::with_capacity(text.len() + id.len());
            named.member("id", id).members(&message, |name| name != "id");
            named.finish()
        }
    }
}

fn failed(id: &str, status: StatusCode) -> String {
    let message = format!("the upstream MCP server answered with HTTP status {}", status.as_u16());
    error_response(Some(id), UPSTREAM_UNAVAILABLE, &message, None)
}

fn too_large(id: &str) -> String {
    let message = "the answer took longer than a second and is larger than 1 MiB, which this client \
                   does not read from a stream; ask for less at once";
    error_response(Some(id), NOT_TAKEN, message, None)
}

fn is(headers: &HeaderMap, kind: &[u8]) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(kind))
}
