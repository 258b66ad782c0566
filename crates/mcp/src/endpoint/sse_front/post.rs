//! POST: one message of a client, whose answer comes over its stream.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use protocol::jsonrpc::{self, INVALID_REQUEST, Message};
use protocol::mcp::{INITIALIZED, SESSION_HEADER, SESSION_UNKNOWN, method};
use tokio::sync::OwnedSemaphorePermit;
use upstream::connection::streamable::Tail;
use upstream::wire::Arriving;

use crate::access::{Permit, TokenStatus};
use crate::endpoint::message;
use crate::endpoint::message::Admitted;
use crate::endpoint::server::Server;
use crate::endpoint::sse_front::handle::Handle;
use crate::endpoint::sse_front::stream::Stream;
use crate::endpoint::sse_front::{headers, retell};
use crate::reply::body::Body;
use crate::reply::failure::{Failure, Limit};
use crate::reply::in_flight::Counted;
use crate::reply::{Answer, Fault, Refused};
use crate::request::Shared;
use crate::{endpoint, reply};

/// How often a stream may end without the answer before there is none.
const ATTEMPTS: u32 = 100;

/// Answers a POST to the URL that a stream named.
pub(crate) async fn take<B: Arriving>(
    admitted: &Admitted<'_>,
    uri: &Uri,
    body: Counted<'_, B>,
) -> Answer {
    if admitted.method != Method::POST {
        let message = "post messages here; the stream itself is one path above";
        let fault =
            Fault { status: StatusCode::METHOD_NOT_ALLOWED, code: INVALID_REQUEST, message };
        return Err(fault.for_id(None).allowing("POST"));
    }
    let body = admitted.receive(body).await?;
    let front = admitted.server.sse.as_ref().ok_or_else(no_such_stream)?;
    let (handle, sealed) = Handle::open(admitted, uri.query()).ok_or_else(no_such_stream)?;
    if !admitted.shared.is_own(&handle.owner) {
        let path = front.messages(sealed);
        return admitted.call(None, None).hand_over(&handle.owner, &path, body).await;
    }
    let stream = front.streams.find(handle.stream, admitted.permit.principal());
    let stream = stream.ok_or_else(no_such_stream)?;
    match Kind::of(&body) {
        Kind::Asking { id, initialize } => {
            let place = Arc::clone(&stream.places).try_acquire_owned();
            let place = place.map_err(|_| too_busy(id.as_deref()))?;
            let asked = PendingPost::new(admitted, stream, id, initialize, body, place);
            let tasks = asked.stream.requests.clone();
            tasks.spawn(asked.answer());
            Ok(reply::empty(StatusCode::ACCEPTED))
        }
        kind => tell(admitted, &stream, kind == Kind::Ready, body).await,
    }
}

/// What a body asks for, as far as it matters here; it is judged later.
#[derive(PartialEq, Eq)]
enum Kind {
    /// Something that has an answer.
    Asking { id: Option<String>, initialize: bool },
    /// `notifications/initialized`.
    Ready,
    /// Something without an answer, or nothing that can be read.
    Telling,
}

impl Kind {
    fn of(body: &[u8]) -> Self {
        match jsonrpc::Body::read(body) {
            Ok(jsonrpc::Body::One(Message::Request { id, method, .. })) => {
                let initialize = method == method::INITIALIZE;
                Self::Asking { id: Some(id.get().to_owned()), initialize }
            }
            Ok(jsonrpc::Body::Batch(_)) => Self::Asking { id: None, initialize: false },
            Ok(jsonrpc::Body::One(Message::Notification { method, .. }))
                if method == INITIALIZED =>
            {
                Self::Ready
            }
            _ => Self::Telling,
        }
    }
}

/// A notification or an answer is passed on before its POST is answered, so that it stays ahead of
/// what the client sends next. Trouble with it is the POST's, because no id could name it.
async fn tell(admitted: &Admitted<'_>, stream: &Stream, ready: bool, body: Bytes) -> Answer {
    let session = stream.session(admitted);
    let headers = headers::of_message(admitted.headers, session.as_deref());
    let passed = Admitted { headers: &headers, method: Method::POST, ..admitted.again() };
    let response = message::answer(&passed, body).await;
    let mut response = response.unwrap_or_else(Refused::into_response);
    if response.status().is_success() {
        if ready {
            stream.is_ready(admitted);
        }
        return Ok(reply::empty(StatusCode::ACCEPTED));
    }
    if response.status() == StatusCode::NOT_FOUND && session.is_some() {
        stream.queue.end().await;
    }
    response.headers_mut().remove(SESSION_HEADER);
    Ok(response)
}

/// A request that is being answered.
struct PendingPost {
    shared: Arc<Shared>,
    server: Arc<Server>,
    permit: Arc<Permit>,
    headers: HeaderMap,
    stream: Arc<Stream>,
    id: Option<String>,
    initialize: bool,
    body: Bytes,
    _place: OwnedSemaphorePermit,
}

impl PendingPost {
    fn new(
        admitted: &Admitted<'_>,
        stream: Arc<Stream>,
        id: Option<String>,
        initialize: bool,
        body: Bytes,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let session = stream.session(admitted).filter(|_| !initialize);
        Self {
            shared: Arc::clone(admitted.shared),
            server: Arc::clone(admitted.server),
            permit: Arc::clone(&admitted.permit),
            headers: headers::of_message(admitted.headers, session.as_deref()),
            stream,
            id,
            initialize,
            body,
            _place: place,
        }
    }

    async fn answer(self) {
        let answer = if self.initialize { self.initialize().await } else { self.ask().await };
        let response = answer.unwrap_or_else(Refused::into_response);
        // Such a client knows of no session, so one that ended takes the stream along, and the
        // client begins anew.
        let gone =
            response.status() == StatusCode::NOT_FOUND && self.headers.contains_key(SESSION_HEADER);
        let limit = self.shared.limits.upstream.message_bytes;
        let (id, mut tail) = (self.id.as_deref(), Tail::of(&self.server.endpoint.name));
        let answered = retell::answer(&self.stream, id, response, limit, &mut tail).await;
        if let Some(id) = id
            && !answered
            && !self.resume(id, &mut tail).await
        {
            retell::no_answer(&self.stream, id).await;
        }
        if gone {
            self.stream.queue.end().await;
        }
    }

    /// D-35: a server may end the stream before the answer, and be asked for the rest. Such a client
    /// cannot do that. Says whether the answer came. `initialize` opens the session in which it could
    /// be asked, so it has no rest.
    async fn resume(&self, id: &str, tail: &mut Tail) -> bool {
        for _ in 0..ATTEMPTS {
            if !tail.is_known() || self.initialize {
                return false;
            }
            tokio::time::sleep(tail.pause(&*self.shared.sealing.random)).await;
            if !self.may_go_on() {
                return false;
            }
            let response = self.rest(tail).await;
            match response.status() {
                StatusCode::OK => {}
                status if status.is_client_error() => return false,
                _ => continue,
            }
            let limit = self.shared.limits.upstream.message_bytes;
            let body = response.into_body();
            tail.opened();
            if retell::events(&self.stream, body, limit, Some(id), tail).await {
                return true;
            }
        }
        false
    }

    /// Whether the client is still there, and its token good.
    fn may_go_on(&self) -> bool {
        let standing = self.shared.trust.standing(&self.permit);
        standing == TokenStatus::Good && !self.stream.gone.is_cancelled()
    }

    /// What comes after the last event that was seen.
    async fn rest(&self, tail: &Tail) -> Response<Body> {
        let Self { shared, server, permit, headers, stream, .. } = self;
        let record = shared.no_record(&server.endpoint);
        let (permit, method) = (Arc::clone(permit), Method::GET);
        let admitted = Admitted { shared, server, permit, method, headers, record: &record };
        let session = stream.session(&admitted);
        let mut headers = headers::of_stream(headers, session.as_deref());
        tail.name(&mut headers);
        let resumed = endpoint::resume(&Admitted { headers: &headers, ..admitted.again() }).await;
        resumed.unwrap_or_else(Refused::into_response)
    }

    async fn initialize(&self) -> Answer {
        if !self.stream.begin_initialize() {
            let message = "this stream has its session; open another stream for another session";
            let fault = Fault { status: StatusCode::BAD_REQUEST, code: INVALID_REQUEST, message };
            return Err(fault.for_id(self.id.as_deref()));
        }
        let answer = self.ask().await;
        let response = answer.as_ref().ok();
        let success = response.is_some_and(|response| response.status() == StatusCode::OK);
        let session = response.and_then(|response| response.headers().get(SESSION_HEADER));
        self.stream.initialized(success, session.filter(|_| success));
        answer
    }

    async fn ask(&self) -> Answer {
        let Self { shared, server, permit, headers, .. } = self;
        // Its POST was answered already, so it is told of by itself.
        let record = shared.record_apart(&server.endpoint, permit);
        let (permit, method) = (Arc::clone(permit), Method::POST);
        let admitted = Admitted { shared, server, permit, method, headers, record: &record };
        let answer = message::answer(&admitted, self.body.clone()).await;
        let response = answer.unwrap_or_else(Refused::into_response);
        record.finish(response.status()).await;
        Ok(response)
    }
}

fn no_such_stream() -> Refused {
    let message = "this stream is not open; open one with GET";
    Fault { status: StatusCode::NOT_FOUND, code: SESSION_UNKNOWN, message }.for_id(None)
}

fn too_busy(id: Option<&str>) -> Refused {
    Failure::from(Limit::Requests).refused(id)
}
