//! What only one replica holds: a child process, a standing stream, a parked call. Sealed values
//! name the replica that holds it, and the others hand such requests over.
//!
//! The request is handed over as the client sent it, token and all: the other replica is the same
//! resource server and checks the token itself.

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use protocol::mcp::SESSION_UNKNOWN;

use crate::body::Body;
use crate::forward::Call;
use crate::reply::{Answer, Fault};
use crate::sidecar::Shared;

/// Marks what was handed over once, so that it never goes in circles.
const HANDED_OVER: &str = "x-wicketgate-handed-over";

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
    /// Lets the replica `owner` answer, which sealed the name itself. If it is gone, so is what it
    /// held: the client hears that its session is unknown, and starts again.
    pub(crate) async fn hand_over(&self, owner: &str, path: &str, body: Bytes) -> Answer {
        let Some(uri) = target(owner, path) else {
            return Err(self.gone());
        };
        if self.headers.contains_key(HANDED_OVER) {
            return Err(self.gone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        for hop in
            ["connection", "transfer-encoding", "content-length", "te", "upgrade", "keep-alive"]
        {
            headers.remove(hop);
        }
        if let Some(host) = uri.authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok()) {
            headers.insert(HOST, host);
        }
        headers.insert(HANDED_OVER, HeaderValue::from_static("1"));
        *request.uri_mut() = uri;
        let answer = self.shared.peers.request(request);
        match tokio::time::timeout(self.shared.limits.first_byte_timeout, answer).await {
            Ok(Ok(response)) => Ok(response.map(|body| Body::passing(body.into()))),
            _ => {
                tracing::warn!(server.name = %self.server.name, "mcp.replica.away");
                Err(self.gone())
            }
        }
    }

    /// What the request belongs to is not held anywhere any more.
    pub(crate) fn gone(&self) -> crate::reply::Refused {
        let message = "this session is not known; initialize a new one";
        Fault { status: http::StatusCode::NOT_FOUND, code: SESSION_UNKNOWN, message }
            .for_id(self.id)
    }
}

fn target(owner: &str, path: &str) -> Option<Uri> {
    let mut parts = owner.parse::<Uri>().ok()?.into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}
