//! Which headers travel. Both directions are lists of what passes; everything else stays behind.

use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::mcp::{
    BAGGAGE, EVENT_STREAM, METHOD_HEADER, NAME_HEADER, PARAM_HEADER_PREFIX,
    PROTOCOL_VERSION_HEADER, SESSION_HEADER, TRACEPARENT, TRACESTATE,
};
use upstream::wire::headers::LAST_EVENT_ID;

use crate::passthrough::answer::form;
use crate::reply::NOSNIFF;
use crate::request::Call;
use crate::request::session::Session;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const SESSION: HeaderName = HeaderName::from_static(SESSION_HEADER);
const VERSION: HeaderName = HeaderName::from_static(PROTOCOL_VERSION_HEADER);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What the upstream gets: the client's harmless headers and who calls. `Host` and our
/// credential are added when it is sent.
///
/// `Authorization`, `Cookie`, `Forwarded`, `X-Forwarded-*`, `X-Wicketgate-*` and anything unknown
/// are not on the list (BR-6, B-23). What `Connection` names ends here, and cannot take our own
/// headers along because those are added afterwards.
pub(crate) fn to_upstream(call: &Call<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(20);
    let hop_by_hop = call.headers.contains_key(CONNECTION);
    for (name, value) in call.headers {
        if passes(name) && !(hop_by_hop && ends_here(call.headers, name)) {
            headers.append(name, value.clone());
        }
    }
    if let Some(session) = &call.session {
        in_session(&mut headers, session);
    }
    // What does not open was refused before.
    if let Ok(Some(id)) = call.last_event() {
        headers.insert(LAST_EVENT_ID, id);
    }
    // W3C Trace Context §3.4: the span here is the parent of the one behind.
    if let Some(parent) = call.record.traceparent() {
        headers.insert(TRACEPARENT, parent);
    }
    for (name, value) in call.permit.identity() {
        headers.insert(name, value.clone());
    }
    headers
}

/// The session as its server knows it: its own id, and the revision that was agreed on. A client
/// may name another revision there, but servers refuse that.
fn in_session(headers: &mut HeaderMap, session: &Session) {
    if let Some(id) = session.upstream() {
        headers.insert(SESSION, id.clone());
    }
    if headers.contains_key(VERSION)
        && !session.version.is_empty()
        && let Ok(version) = HeaderValue::from_str(&session.version)
    {
        headers.insert(VERSION, version);
    }
}

/// What the client gets of the head of an answer.
pub(crate) fn to_client(call: &Call<'_>, upstream: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    // Only what the answer was judged by: some clients look for other types in the parameters.
    if let Some(form) = form(upstream) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    }
    for name in [RETRY_AFTER, ALLOW, VERSION] {
        if let Some(value) = upstream.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    // A server may repeat the session's id on each answer; any other id is not passed on.
    if let Some(session) = &call.session
        && let Some(id) = upstream.get(SESSION)
        && session.upstream() == Some(id)
    {
        headers.insert(SESSION, session.sealed.clone());
    }
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    headers
}

/// What a stream of events needs besides (C-06): proxies between must not collect it.
pub(crate) fn for_events(headers: &mut HeaderMap) {
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// All headers of a stream of events of our own.
pub(crate) fn of_events(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    for_events(headers);
}

fn passes(name: &HeaderName) -> bool {
    let known = [CONTENT_TYPE, ACCEPT, USER_AGENT];
    if known.contains(name) {
        return true;
    }
    match name.as_str() {
        PROTOCOL_VERSION_HEADER
        | METHOD_HEADER
        | NAME_HEADER
        | TRACEPARENT
        | TRACESTATE
        | BAGGAGE => true,
        other => other.starts_with(PARAM_HEADER_PREFIX),
    }
}

/// RFC 9110 §7.6.1: a header that `Connection` names is for this hop only.
fn ends_here(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut options = headers.get_all(CONNECTION).iter();
    options.any(|option| {
        let option = option.to_str().unwrap_or_default();
        option.split(',').any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
    })
}
