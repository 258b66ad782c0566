//! The Origin check, and what browsers need to read an answer (CORS).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use protocol::jsonrpc::INVALID_REQUEST;
use protocol::mcp::PARAM_HEADER_PREFIX;
use url::{Host, Url};

use crate::config::AllowedOrigins;
use crate::reply;
use crate::reply::body::Body;
use crate::reply::{Fault, Refused};

/// Who sends: a web page, or anything else.
pub(crate) enum Sender {
    /// A page of this origin, which is allowed.
    Page(HeaderValue),
    /// No page.
    Program,
}

const EXPOSED: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const HEADERS: &str = "authorization, content-type, accept, last-event-id, mcp-protocol-version, \
                       mcp-session-id, mcp-method, mcp-name, traceparent, tracestate, baggage";

/// MC-1: an `Origin` that is not allowed is refused with 403, before anything else is looked at.
pub(crate) fn check(headers: &HeaderMap, allowed: &AllowedOrigins) -> Result<Sender, Refused> {
    let mut named = headers.get_all(ORIGIN).iter();
    match (named.next(), named.next()) {
        (None, _) => Ok(Sender::Program),
        (Some(origin), None) if is_allowed(origin, allowed) => Ok(Sender::Page(origin.clone())),
        _ => {
            let message = "this Origin may not call here; add it to mcp.allowed_origins";
            Err(Fault { status: StatusCode::FORBIDDEN, code: INVALID_REQUEST, message }
                .for_id(None))
        }
    }
}

/// Whether a request asks for permission only (Fetch, "CORS-preflight request").
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight, before [`Sender::may_read`] adds the origin.
pub(crate) fn preflight(headers: &HeaderMap) -> Response<Body> {
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(headers));
    answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

impl Sender {
    /// Lets the page read the answer, refusals included: the challenge is in one of them.
    pub(crate) fn may_read(&self, response: &mut Response<Body>) {
        if let Self::Page(origin) = self {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
    }
}

/// The fixed names, and those of mirrored arguments that the page asks for.
fn allowed_headers(headers: &HeaderMap) -> HeaderValue {
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = asked.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let mut allowed = HEADERS.to_owned();
    for name in names.map(str::trim) {
        let token = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if token && name.to_ascii_lowercase().starts_with(PARAM_HEADER_PREFIX) {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
    }
    HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static(HEADERS))
}

fn is_allowed(origin: &HeaderValue, allowed: &AllowedOrigins) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    allowed.list.iter().any(|ours| ours == origin) || (allowed.any_loopback && is_loopback(origin))
}

/// Whether this is an origin on this machine, written exactly as browsers write one.
fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    local
        && matches!(url.scheme(), "http" | "https")
        && url.origin().ascii_serialization() == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_mcp_32_loopback_origins_are_exact() {
        for local in ["http://localhost", "http://127.0.0.1:6274", "https://[::1]:8443"] {
            assert!(is_loopback(local), "{local}");
        }
        for other in [
            "null",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://localhost/",
            "http://127.0.0.1.evil.example",
            "file://localhost",
            "http://LOCALHOST",
            "",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
