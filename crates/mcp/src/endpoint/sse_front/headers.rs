//! The headers under which a message of such a client goes on, as if it had been posted over
//! Streamable HTTP.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::mcp::{PROTOCOL_VERSION_HEADER, SESSION_HEADER};

use crate::request::session::Session;

/// What of the client's own headers goes along. Revision and session are the stream's to say.
const PASSING: [&str; 4] = ["traceparent", "tracestate", "baggage", "user-agent"];
/// The revisions that want the header (D-32).
const WITH_HEADER: [&str; 2] = ["2025-06-18", "2025-11-25"];

/// The client's harmless headers.
pub(super) fn passing(from: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(PASSING.len() + 4);
    for name in PASSING {
        if let Some(value) = from.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    headers
}

/// Headers of a message in this session.
pub(super) fn of_message(from: &HeaderMap, session: Option<&Session>) -> HeaderMap {
    let mut headers = passing(from);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    in_session(&mut headers, session);
    headers
}

/// Headers of the session's standing stream, and of its end.
pub(super) fn of_stream(from: &HeaderMap, session: Option<&Session>) -> HeaderMap {
    let mut headers = passing(from);
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    in_session(&mut headers, session);
    headers
}

fn in_session(headers: &mut HeaderMap, session: Option<&Session>) {
    let Some(session) = session else { return };
    headers.insert(HeaderName::from_static(SESSION_HEADER), session.sealed.clone());
    if WITH_HEADER.contains(&session.version.as_str())
        && let Ok(version) = HeaderValue::from_str(&session.version)
    {
        headers.insert(HeaderName::from_static(PROTOCOL_VERSION_HEADER), version);
    }
}
