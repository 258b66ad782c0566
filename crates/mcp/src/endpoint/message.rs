//! A POST: one JSON-RPC message, or a batch where the session knows batches.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use protocol::jsonrpc::{self, Message, PARSE_ERROR};
use protocol::mcp::{INITIALIZED, JSON, NOT_TAKEN, PROTOCOL_VERSION_HEADER, SESSION_HEADER};
use upstream::wire::{Arriving, Era};

use crate::access::mirror::Mismatch;
use crate::access::{Permit, mirror};
use crate::bridge::Route;
use crate::endpoint::server::Server;
use crate::endpoint::{batch, discovery};
use crate::observe::{RequestRecord, Wanted};
use crate::policy::judge::{Handling, JudgedRequest};
use crate::reply::failure::{Failure, Limit, Malformed};
use crate::reply::in_flight::{Counted, NotReceived};
use crate::reply::{Answer, Fault, Refused};
use crate::request::session::Session;
use crate::request::slots::Slot;
use crate::request::{Call, Shared};
use crate::{bridge, passthrough};

/// A request whose token is verified.
pub(crate) struct Admitted<'r> {
    pub(crate) shared: &'r Arc<Shared>,
    pub(crate) server: &'r Arc<Server>,
    pub(crate) permit: Arc<Permit>,
    pub(crate) method: Method,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) record: &'r RequestRecord,
}

/// Answers a POST with this body, which [`Admitted::receive`] received.
pub(crate) async fn answer(admitted: &Admitted<'_>, body: Bytes) -> Answer {
    let read = jsonrpc::Body::read(&body).map_err(|unreadable| {
        let (code, message) = (unreadable.code, unreadable.reason);
        Fault { status: StatusCode::BAD_REQUEST, code, message }.for_id(unreadable.id.as_deref())
    })?;
    match read {
        jsonrpc::Body::One(message) => one(admitted, &message, body.clone()).await,
        jsonrpc::Body::Batch(batch) => Box::pin(batch::answer(admitted, &batch)).await,
    }
}

async fn one(admitted: &Admitted<'_>, message: &Message<'_>, body: Bytes) -> Answer {
    let id = message.id().map(serde_json::value::RawValue::get);
    let mismatched = |mismatch: Mismatch| mismatch.refusal(id);
    let era = mirror::check(message, admitted.headers).map_err(mismatched)?;
    let judged = admitted.judge(era, message, body)?;
    if discovery::is_asked(era, message) {
        return Box::pin(discovery::answer(admitted, judged)).await;
    }
    carry_out(admitted, era, judged).await
}

/// Does what a message asks that was judged before.
pub(crate) async fn carry_out(
    admitted: &Admitted<'_>,
    era: Era,
    judged: JudgedRequest<'_>,
) -> Answer {
    let (message, handling) = (judged.message(), judged.handling());
    let id = message.id().map(serde_json::value::RawValue::get);
    let session = match (era, handling) {
        // C-05: modern messages have no session. `initialize` opens one and is in none.
        (Era::Modern, _) | (_, Handling::Initialize) => None,
        (Era::Legacy, _) => admitted.session(id)?,
    };
    let call = admitted.call(id, session);
    let route = bridge::route(&call, era).await.map_err(|error| call.failed(error))?;
    if let Some(session) = &call.session
        && session.upstream().is_some() != (route == Route::Pass)
    {
        // The upstream changed its era since.
        return Err(call.gone());
    }
    call.in_order().await;
    if message.method() == Some(INITIALIZED) {
        call.expect_stream();
    }
    let _opening = (handling == Handling::Listen).then(|| call.opening());
    if let Some(id) = id.filter(|_| handling != Handling::Initialize) {
        let wants =
            if handling == Handling::Listen { Wanted::Subscription } else { Wanted::Answer };
        call.waits_for(|| wants(id.into()));
    }
    if route != Route::Pass {
        let crossing = (&call, &admitted.server.bridge);
        return Box::pin(bridge::answer(route, crossing, judged)).await;
    }
    passthrough::dispatch(&call, era, judged).await
}

impl Admitted<'_> {
    /// Has a message judged, and puts on record what was decided.
    pub(crate) fn judge<'m>(
        &self,
        era: Era,
        message: &'m Message<'m>,
        body: Bytes,
    ) -> Result<JudgedRequest<'m>, Refused> {
        let by = (&*self.permit, self.record);
        self.server.endpoint.judged(by, era, message, body)
    }

    /// The legacy session that the request names. MCP 2025-11-25, "Session Management": an id
    /// that is not known (here: does not open for this principal) is 404.
    ///
    /// The session's revision counts, whatever the header says: the Java SDK names another one that
    /// it knows. What is no revision at all is refused.
    pub(crate) fn session(&self, id: Option<&str>) -> Result<Option<Arc<Session>>, Refused> {
        let single = |name| mirror::single(self.headers, name).map_err(bad_request);
        let Some(unverified) = single(SESSION_HEADER)? else {
            return Ok(None);
        };
        let unknown = || Failure::UnknownSession.refused(id);
        let session = self.server.endpoint.sessions.open(&self.permit, unverified);
        let session = session.map_err(|_| unknown())?;
        if self.server.endpoint.sessions.is_lost(&session.digest) {
            return Err(unknown());
        }
        match single(PROTOCOL_VERSION_HEADER)? {
            Some(version) if session.version != version && !mirror::is_known(version) => {
                Err(bad_request("MCP-Protocol-Version must be the one that initialize agreed on"))
            }
            _ => Ok(Some(session)),
        }
    }

    /// The call that goes to the upstream.
    pub(crate) fn call<'c>(
        &'c self,
        id: Option<&'c str>,
        session: Option<Arc<Session>>,
    ) -> Call<'c> {
        let Self { shared, server, permit, method, headers, record } = self;
        let server = &server.endpoint;
        Call { shared, server, permit, method: method.clone(), headers, id, session, record }
    }

    /// The same request once more.
    pub(crate) fn again(&self) -> Self {
        let (permit, method) = (Arc::clone(&self.permit), self.method.clone());
        Self { permit, method, ..*self }
    }

    /// A place for one more standing stream (MC-5).
    pub(crate) fn slot(&self, id: Option<&str>) -> Result<Slot, Refused> {
        self.call(id, None).slot()
    }

    /// The whole body, within its limits, if it is plain JSON.
    pub(crate) async fn receive<B: Arriving>(
        &self,
        body: Counted<'_, B>,
    ) -> Result<Bytes, Refused> {
        check_form(self.headers)?;
        let limits = &self.shared.limits;
        let announced = self.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let announced = announced.and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limits.body_bytes) {
            return Err(too_large());
        }
        let collected = body.collect(limits.body_bytes);
        match tokio::time::timeout(limits.body_timeout, pin!(collected)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(NotReceived::TooLarge)) => Err(too_large()),
            Ok(Err(NotReceived::BrokeOff)) => Err(bad_request("the body broke off")),
            Ok(Err(NotReceived::NoRoom)) => {
                self.record.because("too_many_requests");
                Err(Failure::from(Limit::LargeRequests).refused(None))
            }
            Err(_) => {
                let message = "the body took too long to arrive";
                Err(Fault { status: StatusCode::REQUEST_TIMEOUT, code: NOT_TAKEN, message }
                    .for_id(None))
            }
        }
    }
}

impl Mismatch {
    pub(crate) fn refusal(self, id: Option<&str>) -> Refused {
        let Self { code, reason } = self;
        Fault { status: StatusCode::BAD_REQUEST, code, message: reason }.for_id(id)
    }
}

/// What was judged must be what the upstream reads, so only plain JSON is taken.
fn check_form(headers: &HeaderMap) -> Result<(), Refused> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let json = match (types.next().map(|value| value.to_str()), types.next()) {
        (Some(Ok(value)), None) => is_json(value),
        _ => false,
    };
    if !json {
        return Err(unsupported("send Content-Type: application/json"));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(unsupported("send the body without Content-Encoding"));
    }
    Ok(())
}

/// JSON is UTF-8 (RFC 8259 §8.1); a server that honoured another charset would read another body.
fn is_json(value: &str) -> bool {
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim();
    let utf8 = ["", "charset=utf-8", "charset=\"utf-8\""];
    essence.trim().eq_ignore_ascii_case(JSON)
        && utf8.iter().any(|known| parameters.eq_ignore_ascii_case(known))
}

fn unsupported(message: &str) -> Refused {
    Fault { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: PARSE_ERROR, message }.for_id(None)
}

fn too_large() -> Refused {
    let message = "the body is larger than mcp.max_body_bytes allows";
    Fault { status: StatusCode::PAYLOAD_TOO_LARGE, code: NOT_TAKEN, message }.for_id(None)
}

pub(crate) fn bad_request(message: &'static str) -> Refused {
    Failure::Message(Malformed::Request, message).refused(None)
}
