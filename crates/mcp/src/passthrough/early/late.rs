//! What a client is told of an answer that came after its stream began.

use bytes::Bytes;
use futures_util::stream::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyStream, LengthLimitError};
use protocol::jsonrpc::error_response;
use protocol::jsonrpc::member::ID;
use protocol::mcp::{EVENT_STREAM, NOT_TAKEN};
use serde_json::Value;
use upstream::connection::{ConnectionError, Kind, ServerMessage};
use upstream::wire::json::Object;
use upstream::wire::{events, whole};

use crate::observe::{PendingRequest, Wanted};
use crate::passthrough::early::{Told, one};
use crate::reply::body::Body;
use crate::reply::failure::Failure;
use crate::request::Endpoint;

/// Larger events are refused by the Python SDK.
const LARGEST: usize = 1 << 20;

/// The last that is said in a stream which the server turns out not to have. A client that heard of
/// it in time would have given up; this one comes back, but not at once.
const NOT_SOON: Bytes = Bytes::from_static(b"retry: 30000\n\n");

/// An answer as events.
pub(super) async fn told(
    server: &Endpoint,
    pending: &PendingRequest,
    response: Response<Body>,
) -> Told {
    let (parts, body) = response.into_parts();
    let status = parts.status;
    if status == StatusCode::OK && is(&parts.headers, EVENT_STREAM.as_bytes()) {
        return StreamExt::boxed(BodyStream::new(body));
    }
    if status == StatusCode::NOT_FOUND
        && let Some(session) = pending.session
    {
        server.sessions.lose(session);
    }
    one(match &pending.wants {
        Wanted::Stream(_) => (!passes(status)).then_some(NOT_SOON),
        Wanted::Answer(id) | Wanted::Subscription(id) => Some(answered(id, status, body).await),
    })
}

/// Whether what went wrong may be over in a moment.
fn passes(status: StatusCode) -> bool {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// The event that says what became of a request.
async fn answered(id: &str, status: StatusCode, body: Body) -> Bytes {
    let message = match whole(body, LARGEST).await {
        Ok(whole) => as_answer(whole, id, status),
        Err(error) if error.is::<LengthLimitError>() => too_large(id).into(),
        Err(_) => unreadable(ConnectionError::Garbled, id, status).into(),
    };
    events::of_foreign_message(&message)
}

/// The JSON-RPC answer that a body is, under the id that was asked with; or an error in its place.
/// No reader may take it for the answer to another request (A14).
fn as_answer(body: Bytes, id: &str, status: StatusCode) -> Bytes {
    let Ok(message) = ServerMessage::read(body) else {
        return unreadable(ConnectionError::Garbled, id, status).into();
    };
    let answers = matches!(message.kind, Kind::Answer);
    if !answers || !message.is_error() && !status.is_success() {
        return unreadable(ConnectionError::Garbled, id, status).into();
    }
    match (message.id(), message.members()) {
        (Some(given), _) if is_same(given.get(), id) => message.text,
        // Nothing else was asked in this exchange that it could be about.
        (None, Ok(members)) => {
            let mut named = Object::with_capacity(message.text.len() + id.len());
            named.member(ID, id).members(&members, |name| name != ID);
            named.finish().into()
        }
        _ => unreadable(ConnectionError::Unclaimed, id, status).into(),
    }
}

fn is_same(given: &str, asked: &str) -> bool {
    let read = |id| serde_json::from_str::<Value>(id).ok();
    given == asked || read(given).is_some_and(|given| read(asked) == Some(given))
}

/// What is no answer: the status says why, unless it says that all is well.
fn unreadable(error: ConnectionError, id: &str, status: StatusCode) -> String {
    if status.is_success() {
        return Failure::from(error).text(Some(id));
    }
    Failure::from(ConnectionError::Refused(status)).text(Some(id))
}

fn too_large(id: &str) -> String {
    let message = "the answer took longer than a second and is larger than 1 MiB, which this client \
                   does not read from a stream; ask for less at once";
    error_response(Some(id), NOT_TAKEN, message, None)
}

fn is(headers: &HeaderMap, kind: &[u8]) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(kind))
}
