//! What a client is told of an answer that came after its stream began.

use bytes::Bytes;
use futures_util::stream::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyStream, LengthLimitError};
use protocol::jsonrpc::error_response;
use protocol::mcp::{NOT_TAKEN, UPSTREAM_UNAVAILABLE};
use serde_json::value::RawValue;

use super::{PendingRequest, Told, Wanted, one};
use crate::body::Body;
use crate::server::Server;
use crate::upstream::wire::events;
use crate::upstream::wire::json::{Members, Object};
use crate::upstream::wire::whole;

/// Larger events are refused by the Python SDK.
const LARGEST: usize = 1 << 20;

/// The last that is said in a stream which the server turns out not to have: its client is not to ask
/// for it again at once.
const NOT_SOON: Bytes = Bytes::from_static(b"retry: 30000\n\n");

/// An answer as events.
pub(super) async fn told(
    server: &Server,
    pending: &PendingRequest,
    response: Response<Body>,
) -> Told {
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::OK && is(&parts.headers, b"text/event-stream") {
        return StreamExt::boxed(BodyStream::new(body));
    }
    if parts.status == StatusCode::NOT_FOUND
        && let Some(session) = pending.session
    {
        server.sessions.lose(session);
    }
    one(match &pending.wants {
        Wanted::Stream(_) => parts.status.is_client_error().then_some(NOT_SOON),
        Wanted::Answer(id) | Wanted::Subscription(id) => {
            Some(answered(id, parts.status, body).await)
        }
    })
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
