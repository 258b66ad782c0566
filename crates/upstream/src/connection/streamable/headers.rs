//! The headers of a message of our own to an upstream.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::mcp::{
    JSON, JSON_OR_EVENT_STREAM, LAST_REVISION_WITHOUT_HEADER, MODERN_REVISION,
    PROTOCOL_VERSION_HEADER, SESSION_HEADER,
};

use super::Inner;
use crate::connection::Caller;
use crate::wire::Era;

const VERSION: HeaderName = HeaderName::from_static(PROTOCOL_VERSION_HEADER);

/// Who calls, the revision, and the session if there is one. The client's token
/// is not among them (B-23).
pub(super) fn of(connection: &Inner, caller: &Caller) -> HeaderMap {
    let mut headers = caller.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(ACCEPT, HeaderValue::from_static(JSON_OR_EVENT_STREAM));
    match (connection.era, connection.version.get()) {
        (Era::Modern, _) => {
            headers.insert(VERSION, HeaderValue::from_static(MODERN_REVISION));
        }
        // D-32: the first revisions did not know this header.
        (Era::Legacy, Some(version)) if version > LAST_REVISION_WITHOUT_HEADER => {
            headers.insert(VERSION, version.clone());
        }
        (Era::Legacy, _) => {}
    }
    if let Some(session) = connection.session.get() {
        headers.insert(HeaderName::from_static(SESSION_HEADER), session.clone());
    }
    for (name, value) in &*caller.identity {
        headers.insert(name, value.clone());
    }
    headers
}
