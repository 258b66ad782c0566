//! What only one replica holds: a child process, a standing stream, a parked call. Sealed values
//! name the replica that holds it, and the others hand such requests over.
//!
//! The request is handed over as the client sent it, token and all: the other replica is the same
//! resource server and checks the token itself. Nobody but us can have sealed a name, so the token
//! goes nowhere else.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use protocol::mcp::EVENT_STREAM;
use protocol::replica;
use upstream::connection::ConnectionError;
use upstream::http::{PoolError, PooledBody};

use crate::passthrough::answer::StreamKind;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::reply::failure::Failure;
use crate::request::{Call, Shared};

/// Marks what was handed over, so that it never goes in circles: `1` once, `2` from the home of a
/// session on to where its requests run.
const HANDED_OVER: HeaderName = HeaderName::from_static(replica::HANDED_OVER);

/// How much longer we wait than the other replica does, so that its own words arrive.
const LONGER: std::time::Duration = std::time::Duration::from_secs(5);

/// RFC 9110 §7.6.1: what is for one connection only. The length is set anew.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Shared {
    /// The name under which sealed values remember this replica; empty if it is alone.
    pub(crate) fn own_name(&self) -> String {
        self.peer_url.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether `owner` is this replica.
    pub(crate) fn is_own(&self, owner: &str) -> bool {
        self.own_name() == owner
    }
}

impl Call<'_> {
    /// Lets the replica `owner` answer, a name that only sealed values bring here. If it is gone,
    /// so is what it held: the client hears that its session is unknown, and starts again.
    pub(crate) async fn hand_over(&self, owner: &str, path: &str, body: Bytes) -> Answer {
        self.once(owner, path, body, None).await
    }

    /// The same with one more header.
    pub(crate) async fn greet(
        &self,
        owner: &str,
        path: &str,
        body: Bytes,
        header: (HeaderName, HeaderValue),
    ) -> Answer {
        self.once(owner, path, body, Some(header)).await
    }

    async fn once(
        &self,
        owner: &str,
        path: &str,
        body: Bytes,
        header: Option<(HeaderName, HeaderValue)>,
    ) -> Answer {
        if self.headers.contains_key(HANDED_OVER) {
            return Err(self.gone());
        }
        let mark = (HANDED_OVER, HeaderValue::from_static("1"));
        self.send_over(owner, path, body, header.into_iter().chain([mark])).await
    }

    /// The same from the home of a session, where it may have come from another replica, on to one
    /// where requests of the session run. It goes no further.
    pub(crate) async fn hand_on(&self, visitor: &str, path: &str, body: Bytes) -> Answer {
        if self.headers.get(HANDED_OVER).is_some_and(|hop| hop != "1") {
            return Err(self.gone());
        }
        let last = (HANDED_OVER, HeaderValue::from_static("2"));
        self.send_over(visitor, path, body, [last]).await
    }

    async fn send_over(
        &self,
        owner: &str,
        path: &str,
        body: Bytes,
        marks: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Answer {
        let target = target(owner, path).filter(|_| !self.shared.is_own(owner));
        let request = target.and_then(|target| self.handed_over(target, body, marks));
        let Some(request) = request else {
            return Err(self.gone());
        };
        let limit = self.server.upstream.http.response_timeout() + LONGER;
        match tokio::time::timeout(limit, self.shared.peers.request(request)).await {
            Ok(Ok(response)) => Ok(self.handed_back(response)),
            // Nobody is there, so nothing was carried out and nothing is held any more.
            Ok(Err(PoolError::Away(_))) => {
                tracing::warn!(server.name = %self.server.name, "mcp.replica.gone");
                Err(self.gone())
            }
            Ok(Err(_)) => {
                tracing::warn!(server.name = %self.server.name, "mcp.replica.broke_off");
                Err(self.refused(Failure::ReplicaBroke))
            }
            Err(_) => {
                tracing::warn!(server.name = %self.server.name, "mcp.replica.timeout");
                Err(self.refused(ConnectionError::Timeout))
            }
        }
    }

    fn handed_over(
        &self,
        target: Uri,
        body: Bytes,
        marks: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Option<Request<Full<Bytes>>> {
        let host = HeaderValue::from_str(target.authority()?.as_str()).ok()?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = end_to_end(self.headers);
        request.headers_mut().insert(HOST, host);
        for (name, value) in marks {
            request.headers_mut().insert(name, value);
        }
        *request.uri_mut() = target;
        Some(request)
    }

    /// Status and body stay. A stream ends here, too, when its token or this process does.
    fn handed_back(&self, response: Response<PooledBody>) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        parts.headers = end_to_end(&parts.headers);
        let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let body = match self.method {
            _ if !kind.starts_with(EVENT_STREAM.as_bytes()) => Body::passing(body.into()),
            Method::GET => self.guard(body, StreamKind::Open(None)),
            _ => self.guard(body, StreamKind::Answer),
        };
        Response::from_parts(parts, body)
    }
}

fn target(owner: &str, path: &str) -> Option<Uri> {
    let mut parts = owner.parse::<Uri>().ok()?.into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

/// The headers that are not for one connection only, be it by name or because `Connection` says so.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for options in headers.get_all(CONNECTION) {
        for name in options.to_str().unwrap_or_default().split(',') {
            kept.remove(name.trim());
        }
    }
    for name in HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_ours_and_the_rest_is_the_owners() {
        let uri = target("http://10.0.0.7:8787/", "/sse/messages?stream=x").unwrap();
        assert_eq!(uri, "http://10.0.0.7:8787/sse/messages?stream=x");
        for (owner, path) in [("", "/mcp"), ("not a url", "/mcp"), ("http://a", "no path\n")] {
            assert_eq!(target(owner, path), None, "{owner:?} {path:?}");
        }
    }

    #[test]
    fn what_is_for_one_connection_stays_behind() {
        let headers: HeaderMap = [
            ("connection", "close, X-Here"),
            ("x-here", "1"),
            ("te", "trailers"),
            ("content-length", "7"),
            ("traceparent", "00-1-2-01"),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let kept = end_to_end(&headers);
        assert_eq!(kept.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["traceparent"]);
    }
}
