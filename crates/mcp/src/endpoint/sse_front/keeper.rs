//! GET: a stream opens, is kept while its client stays, and takes its session along when it ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::StreamBody;
use protocol::jsonrpc::INVALID_REQUEST;
use protocol::mcp::TEMPORARILY_UNAVAILABLE;
use upstream::connection::streamable::Tail;

use crate::access::Permit;
use crate::endpoint;
use crate::endpoint::message::Admitted;
use crate::endpoint::server::Server;
use crate::endpoint::sse_front::handle::Handle;
use crate::endpoint::sse_front::stream::{Ready, Stream};
use crate::endpoint::sse_front::{headers, retell};
use crate::observe::RequestRecord;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::events_response;
use crate::reply::{Answer, Fault, Refused};
use crate::request::Shared;
use crate::request::openings::UnderWay;
use crate::request::slots::Slot;

/// How long running requests may go on after their client left (D-58).
const AFTERWARDS: Duration = Duration::from_mins(1);

/// Answers the GET that opens a stream.
pub(crate) fn open(admitted: &Admitted<'_>) -> Answer {
    if admitted.method != Method::GET {
        // Clients that try Streamable HTTP first take a 4xx as the sign to do without it.
        let message = "open the stream with GET; for Streamable HTTP use the MCP endpoint";
        let fault =
            Fault { status: StatusCode::METHOD_NOT_ALLOWED, code: INVALID_REQUEST, message };
        return Err(fault.for_id(None).allowing("GET"));
    }
    let Some(front) = &admitted.server.sse else {
        return Err(full());
    };
    let slot = admitted.slot(None)?;
    let (stream, outlet, ready) = front.streams.open(admitted).ok_or_else(full)?;
    let handle = Handle { owner: admitted.shared.own_name(), stream: stream.id };
    let endpoint = front.messages(&handle.seal(admitted));
    let keeper = Keeper {
        shared: Arc::clone(admitted.shared),
        server: Arc::clone(admitted.server),
        permit: Arc::clone(&admitted.permit),
        headers: headers::passing(admitted.headers),
        record: admitted.shared.no_record(&admitted.server.endpoint),
        stream,
        slot: Some(slot),
    };
    admitted.shared.closing.spawn(keeper.keep(ready));
    let frames = outlet.frames(Bytes::from(format!("event: endpoint\ndata: {endpoint}\n\n")));
    let call = admitted.call(None, None);
    let body = call.guard(StreamBody::new(Box::pin(frames)), StreamKind::Open(None));
    Ok(events_response(body))
}

/// Whoever keeps one stream.
struct Keeper {
    shared: Arc<Shared>,
    server: Arc<Server>,
    permit: Arc<Permit>,
    headers: HeaderMap,
    /// What the keeper does is not a client's request.
    record: RequestRecord,
    stream: Arc<Stream>,
    /// The stream's place among its principal's, while the session's own stream has none.
    slot: Option<Slot>,
}

/// What became of the session's own standing stream.
#[derive(PartialEq, Eq)]
enum OwnStream {
    /// It ended, or could not be opened right now.
    Enough,
    /// There is none.
    Nothing,
}

impl Keeper {
    async fn keep(mut self, ready: Ready) {
        let gone = self.stream.gone.clone();
        tokio::select! {
            () = gone.cancelled() => {}
            () = self.relay_notices(ready) => {}
        }
        drop(self.slot.take());
        if let Some(front) = &self.server.sse {
            front.streams.forget(self.stream.id);
        }
        self.stream.requests.close();
        let _ = tokio::time::timeout(AFTERWARDS, self.stream.requests.wait()).await;
        self.end_session().await;
    }

    /// What the server says on no request's account comes over the stream, too (D-02).
    async fn relay_notices(&mut self, ready: Ready) {
        let mut opening = ready.await.ok();
        let mut tail = Tail::of(&self.server.endpoint.name);
        loop {
            // The session's stream takes the place; they are one to the client.
            drop(self.slot.take());
            let heard = self.listen(&mut tail, opening.take()).await;
            self.slot = self.server.endpoint.slots.take(self.permit.whose());
            if self.slot.is_none() {
                return self.stream.gone.cancel();
            }
            if heard == OwnStream::Nothing {
                return std::future::pending().await;
            }
            tokio::time::sleep(tail.pause(&*self.shared.sealing.random)).await;
        }
    }

    async fn listen(&self, tail: &mut Tail, opening: Option<UnderWay>) -> OwnStream {
        let mut headers = self.session_headers();
        tail.name(&mut headers);
        let response = endpoint::listen(&self.admitted(Method::GET, &headers)).await;
        let response = response.unwrap_or_else(Refused::into_response);
        drop(opening);
        match response.status().as_u16() {
            200 => {
                tail.opened();
                let limit = self.shared.limits.upstream.message_bytes;
                retell::events(&self.stream, response.into_body(), limit, None, tail).await;
                OwnStream::Enough
            }
            429 | 502..=504 => OwnStream::Enough,
            _ => OwnStream::Nothing,
        }
    }

    /// The server would drop the session some day anyway, so failure does not matter.
    async fn end_session(&self) {
        let headers = self.session_headers();
        let admitted = self.admitted(Method::DELETE, &headers);
        if self.stream.session(&admitted).is_some() {
            let _ = endpoint::end_session(&admitted).await;
        }
    }

    fn session_headers(&self) -> HeaderMap {
        let session = self.stream.session(&self.admitted(Method::GET, &self.headers));
        headers::of_stream(&self.headers, session.as_deref())
    }

    fn admitted<'k>(&'k self, method: Method, headers: &'k HeaderMap) -> Admitted<'k> {
        let Self { shared, server, permit, record, .. } = self;
        Admitted { shared, server, permit: Arc::clone(permit), method, headers, record }
    }
}

fn full() -> Refused {
    let message = "too many open streams; try again soon";
    let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE);
    Fault { status, code, message }.for_id(None).retry_soon()
}
