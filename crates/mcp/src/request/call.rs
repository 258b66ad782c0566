//! One admitted request, as everything that works on it sees it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Method, StatusCode};
use protocol::mcp::{BAGGAGE, TRACEPARENT, TRACESTATE};
use upstream::connection::Caller;
use upstream::wire::headers::to_keep;

use crate::access::Permit;
use crate::observe::RequestRecord;
use crate::reply::failure::{Failure, Limit};
use crate::reply::{Fault, Refused};
use crate::request::openings::UnderWay;
use crate::request::session::Session;
use crate::request::slots::Slot;
use crate::request::{Endpoint, Shared};

/// One admitted request: who asks, where, and with which headers.
pub(crate) struct Call<'r> {
    pub(crate) shared: &'r Arc<Shared>,
    pub(crate) server: &'r Arc<Endpoint>,
    pub(crate) permit: &'r Arc<Permit>,
    pub(crate) method: Method,
    pub(crate) headers: &'r HeaderMap,
    /// The id of the JSON-RPC request as it was written, for errors.
    pub(crate) id: Option<&'r str>,
    /// The legacy session, if there is one.
    pub(crate) session: Option<Arc<Session>>,
    /// Who tells what became of it.
    pub(crate) record: &'r RequestRecord,
}

/// What travels of a client's request with messages of our own on its account.
const PASSING: [&str; 4] = [TRACEPARENT, TRACESTATE, BAGGAGE, "user-agent"];

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
        if let Some(parent) = self.record.traceparent() {
            headers.insert(HeaderName::from_static(TRACEPARENT), parent);
        }
        self.permit.caller(headers)
    }

    /// What the request belongs to is not held anywhere any more.
    pub(crate) fn gone(&self) -> Refused {
        self.refused(Failure::UnknownSession)
    }

    /// The answer where a connection of our own failed.
    pub(crate) fn failed(&self, error: impl Into<Failure>) -> Refused {
        let error = error.into();
        tracing::warn!(server.name = %self.server.name, %error, "mcp.upstream.failed");
        self.refused(error)
    }

    /// The whole answer to this request, by the error catalogue.
    pub(crate) fn refused(&self, failure: impl Into<Failure>) -> Refused {
        failure.into().refused(self.id)
    }

    /// A JSON-RPC error for this request.
    pub(crate) fn fault(&self, status: StatusCode, code: i32, message: &str) -> Refused {
        Fault { status, code, message }.for_id(self.id)
    }

    /// Waits for the streams that this client began to open before.
    pub(crate) async fn in_order(&self) {
        self.server.openings.settled(&self.order()).await;
    }

    /// From now on a stream is being opened, until this is dropped.
    pub(crate) fn opening(&self) -> UnderWay {
        self.server.openings.begin(self.order(), self.permit.principal())
    }

    /// The client of a new session is ready, so its stream should be on its way.
    pub(crate) fn expect_stream(&self) {
        if let Some(session) = &self.session {
            self.server.openings.expect(session.digest, *self.permit.principal());
        }
    }

    /// Within what the order of messages counts: a session, or one person's use of one client.
    fn order(&self) -> [u8; 32] {
        self.session.as_ref().map_or(*self.permit.principal(), |session| session.digest)
    }

    /// A place for one more standing stream (MC-5).
    pub(crate) fn slot(&self) -> Result<Slot, Refused> {
        let slot = self.server.slots.take(self.permit.whose());
        slot.ok_or_else(|| self.refused(Limit::Streams))
    }
}
