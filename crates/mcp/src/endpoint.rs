//! An MCP endpoint: the order in which a request is judged, from Host to method.

mod batch;
pub(crate) mod catalogue;
pub(crate) mod discovery;
pub(crate) mod documents;
pub(crate) mod message;
mod parting;
pub(crate) mod ready;
pub(crate) mod server;
pub(crate) mod sse_front;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use protocol::challenge::ChallengeError;
use protocol::jsonrpc::INVALID_REQUEST;
use protocol::mcp::TEMPORARILY_UNAVAILABLE;
use upstream::wire::headers::LAST_EVENT_ID;
use upstream::wire::{Arriving, Era};

use crate::access::{NoPermit, Permit, TokenStatus, bearer, host, origin};
use crate::bridge;
use crate::bridge::Route;
use crate::endpoint::message::Admitted;
use crate::observe::{BAD_TOKEN, RequestRecord, Wanted};
use crate::outbound::Probe;
use crate::passthrough::answer::{Accepted, Form, StreamKind};
use crate::passthrough::early;
use crate::passthrough::lists::screen::pass_screened;
use crate::reply::body::Body;
use crate::reply::failure::{Failure, Limit, Unusable};
use crate::reply::in_flight::Counted;
use crate::reply::{Answer, Fault, Refused};
use crate::request::{Call, Shared};
use server::Server;

/// Whether the path is the endpoint itself or something unknown below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    Endpoint,
    /// Where clients of 2024-11-05 open their stream.
    SseStream,
    /// Where they post their messages.
    SseMessages,
    Below,
}

/// Answers a request at or below a server's path.
pub(crate) async fn answer<B: Arriving + Send + 'static>(
    shared: &Arc<Shared>,
    server: &Arc<Server>,
    kind: EndpointKind,
    request: Request<B>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let mut record = shared.record(&server.endpoint, &parts);
    if kind == EndpointKind::Endpoint && early::is_wanted(&parts) {
        let waiting = record.waiting();
        let record = Arc::new(record);
        let told = Arc::clone(&record);
        let (sharing, asked) = (Arc::clone(shared), Arc::clone(server));
        let work = async move { answer_to(&sharing, &asked, kind, parts, body, &told).await };
        let endpoint = &server.endpoint;
        return Box::pin(early::answer(shared, endpoint, Box::pin(work), waiting, record)).await;
    }
    answer_to(shared, server, kind, parts, body, &record).await
}

async fn answer_to<B: Arriving>(
    shared: &Arc<Shared>,
    server: &Arc<Server>,
    kind: EndpointKind,
    parts: Parts,
    body: B,
    record: &RequestRecord,
) -> Response<Body> {
    let response = tokio::select! {
        biased;
        response = checked(shared, server, kind, &parts, body, record) => response,
        // A client can make something of a 503, and nothing of a connection that breaks off.
        () = server.endpoint.pulse.over(shared.limits.drain_grace) => {
            Failure::Stopping.refused(None).into_response()
        }
    };
    record.finish(response.status()).await;
    response
}

async fn checked<B: Arriving>(
    shared: &Arc<Shared>,
    server: &Arc<Server>,
    kind: EndpointKind,
    parts: &Parts,
    body: B,
    record: &RequestRecord,
) -> Response<Body> {
    if let Err(refused) = host::check(&parts.uri, &parts.headers, &shared.allowed_hosts.load()) {
        return refused.into_response();
    }
    let sender = match origin::check(&parts.headers, &shared.allowed_origins) {
        Ok(sender) => sender,
        Err(refused) => return refused.into_response(),
    };
    let answered = if origin::is_preflight(&parts.method, &parts.headers) {
        Ok(origin::preflight(&parts.headers))
    } else {
        admit(shared, server, kind, parts, body, record).await
    };
    let mut response = answered.unwrap_or_else(Refused::into_response);
    sender.may_read(&mut response);
    response
}

/// The token comes before anything that depends on the request: its method, its path below the
/// endpoint, its version, its body (CL-1). Only a session that ends with its token
/// may still be left: see [`parting`].
async fn admit<B: Arriving>(
    shared: &Arc<Shared>,
    server: &Arc<Server>,
    kind: EndpointKind,
    parts: &Parts,
    body: B,
    record: &RequestRecord,
) -> Answer {
    let permit = match permit(server, kind, parts, record).await {
        Ok(permit) => permit,
        Err(refused)
            if kind == EndpointKind::Endpoint && refused.status() == StatusCode::UNAUTHORIZED =>
        {
            let parting = Box::pin(parting::answer(shared, server, parts, record)).await;
            return parting.unwrap_or(Err(refused));
        }
        Err(refused) => return Err(refused),
    };
    record.admitted(&permit);
    let counted =
        if discovery::is_announced(parts) { &shared.discovering } else { &shared.in_flight };
    let mut request = counted.take(permit.whose()).ok_or_else(|| {
        record.because("too_many_requests");
        Failure::from(Limit::Requests).refused(None)
    })?;
    let (method, headers) = (parts.method.clone(), &parts.headers);
    let admitted = Admitted { shared, server, permit, method, headers, record };
    let body = Counted { body, request: &mut request };
    let answer = match (kind, &admitted.method) {
        (EndpointKind::SseStream, _) => sse_front::open(&admitted),
        (EndpointKind::SseMessages, _) => {
            Box::pin(sse_front::take(&admitted, &parts.uri, body)).await
        }
        (EndpointKind::Below, _) => {
            Err(refusal(StatusCode::NOT_FOUND, "there is nothing at this path"))
        }
        (EndpointKind::Endpoint, &Method::POST) => {
            let body = admitted.receive(body).await?;
            still_admitted(&admitted, kind)?;
            message::answer(&admitted, body).await
        }
        (EndpointKind::Endpoint, &Method::GET) => Box::pin(listen(&admitted)).await,
        (EndpointKind::Endpoint, &Method::DELETE) => Box::pin(end_session(&admitted)).await,
        (EndpointKind::Endpoint, _) => {
            Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "use POST, GET or DELETE")
                .allowing("GET, POST, DELETE"))
        }
    };
    answer.map(|response| response.map(|answer| answer.of_request(request)))
}

/// A body may take half a minute to come. What is to count then is how things stand now (MC-5).
fn still_admitted(admitted: &Admitted<'_>, kind: EndpointKind) -> Result<(), Refused> {
    let Admitted { shared, server, permit, record, .. } = admitted;
    if server.endpoint.pulse.is_retired() {
        return Err(Failure::Stopping.refused(None));
    }
    match shared.trust.standing(permit) {
        TokenStatus::Good => Ok(()),
        TokenStatus::Ended => Err(no_permit(server, kind, record, NoPermit::Invalid)),
        TokenStatus::Unknown => Err(no_permit(server, kind, record, NoPermit::Unknowable)),
    }
}

/// Verifies the bearer token. Without one the challenge names what can be asked for; with a bad
/// one it says so (RFC 6750 §3).
async fn permit(
    server: &Server,
    kind: EndpointKind,
    parts: &Parts,
    record: &RequestRecord,
) -> Result<Arc<Permit>, Refused> {
    let challenge = |error| challenge(server, kind, error);
    let unverified = bearer::credential(&parts.headers).map_err(|bearer::Malformed| {
        record.because("malformed_credentials");
        refusal(StatusCode::BAD_REQUEST, "send one Authorization header: Bearer and the token")
            .challenging(challenge(Some(ChallengeError::InvalidRequest)))
    })?;
    let Some(unverified) = unverified else {
        record.because("no_token");
        return Err(refusal(StatusCode::UNAUTHORIZED, "authorization is required")
            .challenging(challenge(None)));
    };
    let permit = server.endpoint.verifier.verify(unverified).await;
    permit.map_err(|none| no_permit(server, kind, record, none))
}

/// The answer to a token that is not good here, or of which nobody can say so.
fn no_permit(
    server: &Server,
    kind: EndpointKind,
    record: &RequestRecord,
    none: NoPermit,
) -> Refused {
    match none {
        NoPermit::Invalid => {
            record.because(BAD_TOKEN);
            refusal(
                StatusCode::UNAUTHORIZED,
                "the token is not valid here, has expired or was revoked",
            )
            .challenging(challenge(server, kind, Some(ChallengeError::InvalidToken)))
        }
        NoPermit::Unknowable => {
            record.because("authority_away");
            let message = "access cannot be checked at the moment; try again";
            let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE);
            Fault { status, code, message }.for_id(None).retry_soon()
        }
    }
}

/// The challenge of the resource that was asked for (RFC 9728 §5.1).
fn challenge(server: &Server, kind: EndpointKind, error: Option<ChallengeError>) -> HeaderValue {
    match (&server.sse, kind) {
        (Some(front), EndpointKind::SseStream | EndpointKind::SseMessages) => {
            front.challenge(server.endpoint.ceiling, error)
        }
        _ => server.endpoint.challenge(server.endpoint.ceiling, error),
    }
}

/// GET: the standing stream of a legacy session, or a resumed one (D-02, D-04).
pub(crate) async fn listen(admitted: &Admitted<'_>) -> Answer {
    let session = admitted.session(None)?;
    let call = admitted.call(None, session);
    call.last_event()?;
    let _opening = call.opening();
    let route = bridge::route(&call, Era::Legacy).await.map_err(|error| call.failed(error))?;
    call.waits_for(|| {
        Wanted::Stream(call.headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()).cloned())
    });
    if route != Route::Pass {
        return bridge::listen(route, (&call, &admitted.server.bridge)).await;
    }
    let slot = admitted.slot(None)?;
    let accepted = call.accept(call.stand(Probe::Stream, Bytes::new()).await?)?;
    stream(&call, accepted, StreamKind::Open(Some(slot)))
}

/// Takes up a stream that the upstream ended before it had said all (D-04, D-35), for a client
/// that cannot do so itself.
pub(crate) async fn resume(admitted: &Admitted<'_>) -> Answer {
    let session = admitted.session(None)?;
    let call = admitted.call(None, session);
    call.last_event()?;
    let accepted = call.accept(call.stand(Probe::Stream, Bytes::new()).await?)?;
    stream(&call, accepted, StreamKind::Answer)
}

/// Passes the answer to a GET. Some clients look for events in it whatever its type says, so
/// nothing else that calls itself a success passes.
fn stream(call: &Call<'_>, accepted: Accepted, standing: StreamKind) -> Answer {
    match (accepted.form, accepted.status.is_success()) {
        (Form::Events, _) => Ok(pass_screened(call, accepted, standing)),
        (_, true) => Err(call.refused(Unusable::NoStream)),
        _ => Ok(call.pass(accepted, standing)),
    }
}

/// DELETE: the client ends its legacy session (D-01).
pub(crate) async fn end_session(admitted: &Admitted<'_>) -> Answer {
    let session = admitted.session(None)?;
    let call = admitted.call(None, session);
    call.in_order().await;
    match bridge::route(&call, Era::Legacy).await.map_err(|error| call.failed(error))? {
        Route::Pass => call.relay(Probe::EndOfSession, Bytes::new(), StreamKind::Answer).await,
        route => bridge::end(route, (&call, &admitted.server.bridge)).await,
    }
}

fn refusal(status: StatusCode, message: &str) -> Refused {
    Fault { status, code: INVALID_REQUEST, message }.for_id(None)
}
