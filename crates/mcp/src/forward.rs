//! The way to a server behind and back.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod headers;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use protocol::mcp::{UPSTREAM_TIMEOUT, UPSTREAM_UNAVAILABLE};

use crate::observe::Exchange;
use crate::reply::{Fault, Refused};
use crate::server::Server;
use crate::session::Session;
use crate::sidecar::Shared;
use crate::verify::Permit;

/// One admitted request: who asks, where, and with which headers.
pub(crate) struct Call<'r> {
    pub(crate) shared: &'r Arc<Shared>,
    pub(crate) server: &'r Arc<Server>,
    pub(crate) permit: &'r Arc<Permit>,
    pub(crate) method: Method,
    pub(crate) headers: &'r HeaderMap,
    /// The id of the JSON-RPC request as it was written, for errors.
    pub(crate) id: Option<&'r str>,
    /// The legacy session, if there is one.
    pub(crate) session: Option<Arc<Session>>,
    /// Who tells what became of it.
    pub(crate) exchange: &'r Exchange,
}

impl Call<'_> {
    /// Sends the original bytes to the server behind and waits for the head of its answer.
    ///
    /// Dropping the future, or later the body, closes the connection: that is how a client that
    /// goes away is noticed there (MCP 2026-07-28, "Cancellation").
    pub(crate) async fn send(&self, body: Bytes) -> Result<Response<Incoming>, Refused> {
        let upstream = &self.server.upstream;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = upstream.uri.clone();
        *request.headers_mut() = headers::to_upstream(self);
        let sent = self.exchange.sending();
        let answer = self.shared.client.request(request);
        let answer = tokio::time::timeout(self.shared.limits.first_byte_timeout, answer).await;
        self.exchange.answered(sent, matches!(answer, Ok(Ok(_))));
        match answer {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::warn!(server.name = %self.server.name, error = ?error, "mcp.upstream.failed");
                Err(self.bad_gateway("the MCP server behind does not answer; try again later"))
            }
            Err(_) => {
                tracing::warn!(server.name = %self.server.name, "mcp.upstream.timeout");
                let status = StatusCode::GATEWAY_TIMEOUT;
                let message = "the MCP server behind took too long to answer";
                Err(self.fault(status, UPSTREAM_TIMEOUT, message))
            }
        }
    }

    /// 502 with a JSON-RPC error that says nothing of the inside.
    pub(crate) fn bad_gateway(&self, message: &str) -> Refused {
        self.fault(StatusCode::BAD_GATEWAY, UPSTREAM_UNAVAILABLE, message)
    }

    /// A JSON-RPC error for this request.
    pub(crate) fn fault(&self, status: StatusCode, code: i32, message: &str) -> Refused {
        Fault { status, code, message }.for_id(self.id)
    }
}
