//! The headers under which a message of such a client goes on, as if it had been posted over
//! Streamable HTTP.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::mcp::{
    BAGGAGE, EVENT_STREAM, JSON, JSON_OR_EVENT_STREAM, LAST_REVISION_WITHOUT_HEADER,
    LEGACY_REVISIONS, PROTOCOL_VERSION_HEADER, SESSION_HEADER, TRACEPARENT, TRACESTATE,
};

use crate::request::session::Session;

/// What of the client's own headers goes along. Revision and session are the stream's to say.
const PASSING: [&str; 4] = [TRACEPARENT, TRACESTATE, BAGGAGE, "user-agent"];

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
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(ACCEPT, HeaderValue::from_static(JSON_OR_EVENT_STREAM));
    in_session(&mut headers, session);
    headers
}

/// Headers of the session's standing stream, and of its end.
pub(super) fn of_stream(from: &HeaderMap, session: Option<&Session>) -> HeaderMap {
    let mut headers = passing(from);
    headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    in_session(&mut headers, session);
    headers
}

fn in_session(headers: &mut HeaderMap, session: Option<&Session>) {
    let Some(session) = session else { return };
    headers.insert(HeaderName::from_static(SESSION_HEADER), session.sealed.clone());
    let version = session.version.as_str();
    // The revisions that want the header (D-32); they are dates, so they sort as text.
    if version > LAST_REVISION_WITHOUT_HEADER
        && LEGACY_REVISIONS.contains(&version)
        && let Ok(version) = HeaderValue::from_str(version)
    {
        headers.insert(HeaderName::from_static(PROTOCOL_VERSION_HEADER), version);
    }
}
