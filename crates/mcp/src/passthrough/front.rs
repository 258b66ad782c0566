//! Bridged answers on their way to a client: JSON when the answer is all there is, and otherwise
//! a stream of events that ends with it.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use upstream::connection::ConnectionError;
use upstream::wire::{BodyError, events};

use crate::passthrough::answer::{StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::answer::{Sieve, Sifted, message, unfilterable};
use crate::reply;
use crate::reply::body::Body;
use crate::reply::failure::{Failure, Row, Unusable};
use crate::reply::{Answer, Refused};
use crate::request::Call;

/// One message for a client, in its own era.
#[derive(Clone, Debug)]
pub(crate) struct ClientMessage {
    pub(crate) text: Bytes,
    /// Whether it is the answer, after which nothing comes.
    pub(crate) last: bool,
    /// The HTTP status, should the answer be all there is.
    pub(crate) status: StatusCode,
    /// Whether it is worth the while to come back soon.
    pub(crate) retry: bool,
}

/// What a client is to be told on account of one request.
pub(crate) type Reply = BoxStream<'static, Result<ClientMessage, Failure>>;

impl ClientMessage {
    /// A message before the answer.
    pub(crate) fn before(text: impl Into<Bytes>) -> Self {
        Self { text: text.into(), last: false, status: StatusCode::OK, retry: false }
    }

    /// The answer.
    pub(crate) fn answer(text: impl Into<Bytes>, status: StatusCode) -> Self {
        Self { text: text.into(), last: true, status, retry: false }
    }

    /// The answer to the request with this id, by the error catalogue.
    pub(crate) fn failure(failure: Failure, id: Option<&str>) -> Self {
        let Row { status, retry, .. } = failure.row();
        Self { retry, ..Self::answer(failure.text(id), status) }
    }
}

/// Tells a client what `reply` says. `sieve` filters the answer if it is a list of tools.
pub(crate) async fn deliver(
    call: &Call<'_>,
    mut reply: Reply,
    sieve: Option<Sieve>,
    standing: StreamKind,
) -> Answer {
    let first =
        tokio::time::timeout(call.server.upstream.http.response_timeout(), reply.next()).await;
    let first = first.map_err(|_| call.failed(ConnectionError::Timeout))?;
    let first = first
        .unwrap_or(Err(ConnectionError::Broken.into()))
        .map_err(|failure| call.failed(failure))?;
    let id = call.id.map(str::to_owned);
    let first = sift(sieve.as_ref(), id.as_deref(), first).map_err(|_| unfilterable(call))?;
    if first.last {
        let mut response = reply::json(first.status, first.text);
        if first.retry {
            response = Refused::from(response).retry_soon().into_response();
        }
        return Ok(repeating_session(call, response));
    }
    let rest = Rest { reply, sieve, id, over: false };
    let events = stream::iter([Ok(frame(&first))]).chain(rest.into_events());
    let body = call.guard(StreamBody::new(Box::pin(events)), standing);
    Ok(repeating_session(call, events_response(body)))
}

/// A stream of events of our own.
pub(crate) fn events_response(body: Body) -> Response<Body> {
    let mut head = HeaderMap::with_capacity(6);
    headers::of_events(&mut head);
    respond(StatusCode::OK, head, body)
}

struct Rest {
    reply: Reply,
    sieve: Option<Sieve>,
    id: Option<String>,
    over: bool,
}

impl Rest {
    /// The head is gone, so trouble becomes the answer.
    fn into_events(self) -> BoxStream<'static, Result<Frame<Bytes>, BodyError>> {
        stream::unfold(self, |mut rest| async {
            if rest.over {
                return None;
            }
            let said = rest.reply.next().await.unwrap_or(Err(ConnectionError::Broken.into()));
            let id = rest.id.as_deref();
            let said = said.and_then(|said| sift(rest.sieve.as_ref(), id, said));
            let said = said.unwrap_or_else(|failure| ClientMessage::failure(failure, id));
            rest.over = said.last;
            Some((Ok(frame(&said)), rest))
        })
        .boxed()
    }
}

fn sift(
    sieve: Option<&Sieve>,
    id: Option<&str>,
    said: ClientMessage,
) -> Result<ClientMessage, Failure> {
    let Some(sieve) = sieve.filter(|_| said.last) else {
        return Ok(said);
    };
    match sieve.sift(&said.text) {
        Ok(Sifted::List(result)) => Ok(ClientMessage { text: message(id, &result).into(), ..said }),
        Ok(Sifted::Untouched | Sifted::Error) => Ok(said),
        Err(_) => Err(Unusable::List.into()),
    }
}

fn frame(said: &ClientMessage) -> Frame<Bytes> {
    Frame::data(events::of_foreign_message(&said.text))
}

fn repeating_session(call: &Call<'_>, mut response: Response<Body>) -> Response<Body> {
    if let Some(session) = &call.session {
        response.headers_mut().insert(protocol::mcp::SESSION_HEADER, session.sealed.clone());
    }
    response
}
