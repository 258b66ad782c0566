//! The way to an upstream and back.

pub(crate) mod answer;
pub(crate) mod headers;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use protocol::mcp::{TRACEPARENT, UPSTREAM_UNAVAILABLE};

use crate::failure;
use crate::observe::RequestRecord;
use crate::reply::{Fault, Refused};
use crate::server::Server;
use crate::session::Session;
use crate::shared::Shared;
use crate::upstream::connection::{Caller, ConnectionError};
use crate::upstream::http::{Outgoing, SendError, Sent, repeat};
use crate::upstream::wire::headers::to_keep;
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
    pub(crate) exchange: &'r RequestRecord,
}

/// What travels of a client's request with messages of our own on its account.
const PASSING: [&str; 4] = ["traceparent", "tracestate", "baggage", "user-agent"];

impl Call<'_> {
    /// On whose behalf messages of our own go to the upstream.
    pub(crate) fn caller(&self) -> Caller {
        let mut headers = HeaderMap::with_capacity(PASSING.len());
        for name in PASSING {
            if let Some(value) = self.headers.get(name) {
                headers.insert(HeaderName::from_static(name), to_keep(value));
            }
        }
        // W3C Trace Context §3.4: the span here is the parent of the upstream's.
        if let Some(parent) = self.exchange.traceparent() {
            headers.insert(HeaderName::from_static(TRACEPARENT), parent);
        }
        self.permit.caller(headers)
    }

    /// The answer where a connection of our own failed.
    pub(crate) fn failed(&self, error: ConnectionError) -> Refused {
        tracing::warn!(server.name = %self.server.name, %error, "mcp.upstream.failed");
        failure::refusal(error, self.id)
    }

    /// Sends the original bytes to the upstream and waits for the head of its answer. What
    /// only reads is sent once more if the connection broke.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Sent, Refused> {
        let upstream = &self.server.upstream.http;
        self.record(async {
            match upstream.send(self.outgoing(body.clone(), false)).await {
                Err(SendError::Broken) if repeat::is_harmless(&self.method, &body) => {
                    upstream.send(self.outgoing(body, false)).await
                }
                answered => answered,
            }
        })
        .await
    }

    /// The same for a request whose answer will wait for news.
    pub(crate) async fn stand(&self, body: Bytes) -> Result<Sent, Refused> {
        self.record(self.server.upstream.http.send(self.outgoing(body, true))).await
    }

    /// Tells the exchange how it went.
    async fn record(
        &self,
        sending: impl Future<Output = Result<Sent, SendError>>,
    ) -> Result<Sent, Refused> {
        let sent = self.exchange.sending();
        let answered = sending.await;
        self.exchange.answered(sent, answered.is_ok());
        answered.map_err(|error| failure::refusal(error.into(), self.id))
    }

    fn outgoing(&self, body: Bytes, standing: bool) -> Outgoing {
        Outgoing {
            method: self.method.clone(),
            headers: headers::to_upstream(self),
            body,
            backend: self.session.as_ref().and_then(|session| session.backend()),
            path: None,
            standing,
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
