//! What becomes of the answer of an upstream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Response, StatusCode};
use protocol::jsonrpc::member::RESULT;
use protocol::jsonrpc::response;
use protocol::mcp::{EVENT_STREAM, JSON, META_SUBSCRIPTION_ID, PLAIN, member, result_type};
use upstream::connection::ConnectionError;
use upstream::http::paced::Paced;
use upstream::http::{BackendId, Sent};
use upstream::wire::json::{Object, quoted, without_mark};
use upstream::wire::{events, whole};

use crate::outbound::Cause;
use crate::passthrough::headers;
use crate::passthrough::stream::guarded::ChangeWatch;
use crate::passthrough::stream::ids::Ids;
use crate::passthrough::stream::strays::{Stray, Watch, Watched};
use crate::passthrough::stream::{Ending, Guarded};
use crate::reply::body::Body;
use crate::reply::failure::{Failure, Unusable};
use crate::reply::{Answer, Refused};
use crate::request::Call;
use crate::request::slots::Slot;

/// The form of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Events,
    /// `text/plain`, or no body.
    Plain,
}

impl Form {
    /// The type that says so.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Events => EVENT_STREAM,
            Self::Plain => PLAIN,
        }
    }
}

/// An answer whose head may pass.
pub(crate) struct Accepted {
    pub(crate) status: StatusCode,
    pub(crate) form: Form,
    pub(crate) upstream_headers: HeaderMap,
    pub(crate) body: Paced,
    /// Who answered.
    pub(crate) backend: BackendId,
}

/// What a stream of events is for, which decides how it ends early.
pub(crate) enum StreamKind {
    /// The answer to one request; the request fails then.
    Answer,
    /// `subscriptions/listen`; it completes then.
    Listening(Slot),
    /// A legacy GET stream; it just ends, and the client opens another.
    Open(Option<Slot>),
}

impl Call<'_> {
    /// Sends the request on and passes its answer back as it comes.
    pub(crate) async fn relay(
        &self,
        cause: impl Into<Cause>,
        body: Bytes,
        standing: StreamKind,
    ) -> Answer {
        let sent = match standing {
            StreamKind::Answer => self.send(cause, body).await?,
            StreamKind::Listening(_) | StreamKind::Open(_) => self.stand(cause, body).await?,
        };
        Ok(self.pass(self.accept(sent)?, standing))
    }

    /// Judges the head of an answer.
    pub(crate) fn accept(&self, sent: Sent) -> Result<Accepted, Refused> {
        let Sent { response, backend } = sent;
        let (parts, incoming) = response.into_parts();
        let body = Paced::new(incoming, self.server.upstream.http.idle_timeout());
        let status = parts.status;
        let form = form(&parts.headers);
        match (status.as_u16(), form) {
            // An upgrade that nobody asked for; other interim answers never get here.
            (..200, _) => Err(self.refused(Unusable::Protocol)),
            // Never followed: the credential belongs to the configured URL only.
            (300..400, _) => Err(self.refused(Unusable::Redirect)),
            // The client's own token was good, so 401 would send it through sign-in for nothing.
            (401 | 407, _) => Err(self.refused(Unusable::Credential)),
            // Nothing to say, framed as an empty chunked body: how many servers accept a
            // notification or end a session.
            (200..300, None) if self.expects_nothing(status, &parts.headers) => Ok(Accepted {
                status,
                form: Form::Plain,
                upstream_headers: parts.headers,
                body,
                backend,
            }),
            (200..300, None) if !is_empty(&body) => Err(self.refused(Unusable::ContentType)),
            // An error that is none of MCP's (a page, say) is replaced by ours. A text passes, which
            // tells a client what it did wrong (D-23); but not of the server's own trouble, where it may
            // tell of the inside, nor where its status would speak of the client's scope or session.
            (400.., None) | (403 | 404 | 500.., Some(Form::Plain)) => {
                Err(self.refused(self.refused_with(status)))
            }
            _ => {
                let form = form.unwrap_or(Form::Plain);
                Ok(Accepted { status, form, upstream_headers: parts.headers, body, backend })
            }
        }
    }

    /// What an HTTP error without anything of MCP in it means: in a session of the upstream's own, 404
    /// is its end (MCP 2025-11-25, "Session Management").
    pub(crate) fn refused_with(&self, status: StatusCode) -> ConnectionError {
        let in_session = self.session.as_ref().is_some_and(|session| session.upstream().is_some());
        if status == StatusCode::NOT_FOUND && in_session {
            ConnectionError::SessionGone
        } else {
            ConnectionError::Refused(status)
        }
    }

    /// Whether an answer without content type may be one without content.
    fn expects_nothing(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let silent = matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT);
        !headers.contains_key(CONTENT_TYPE) && (silent || self.method == Method::DELETE)
    }

    /// Passes an answer untouched, but for lists of tools that belong to another request: those
    /// were not filtered. Streams of events are watched on their way.
    ///
    /// Other ids are not looked at, and need not be: one HTTP exchange with the upstream
    /// belongs to one request of one client, and a connection with anything left over is never used
    /// again. Whatever a server writes into this answer, nobody else gets it.
    pub(crate) fn pass(&self, accepted: Accepted, standing: StreamKind) -> Response<Body> {
        let mut head = headers::to_client(self, &accepted.upstream_headers);
        let watch = Watch::of(self, accepted.form);
        let body = if accepted.form == Form::Events {
            headers::for_events(&mut head);
            // Silence is normal where a stream waits for news.
            let body = match standing {
                StreamKind::Answer => accepted.body,
                StreamKind::Listening(_) | StreamKind::Open(_) => accepted.body.patient(),
            };
            self.guard(Watched::new(body, watch), standing)
        } else if is_empty(&accepted.body) {
            Body::passing(accepted.body)
        } else {
            Body::streamed(Box::pin(Watched::new(accepted.body, watch)))
        };
        respond(accepted.status, head, body)
    }

    /// A stream of events that ends when the token does.
    pub(crate) fn guard<B>(&self, events: B, standing: StreamKind) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let waits = !matches!(standing, StreamKind::Answer);
        let ending = self.ending(standing);
        let guarded =
            Box::pin(Guarded::new(events, ending, ChangeWatch::of(self.server), Ids::of(self)));
        if waits { Body::standing(guarded) } else { Body::streamed(guarded) }
    }

    /// Reads a whole answer that passes as it is or nearly so.
    pub(crate) async fn collect_watched(&self, body: Paced) -> Result<Bytes, Refused> {
        let message = self.collect(body).await?;
        let watched = Watch::of(self, Form::Json).look(&message);
        watched.map_err(|Stray| self.refused(Unusable::Stray))?;
        Ok(message)
    }

    /// Reads a whole answer that has to be understood before it passes.
    pub(crate) async fn collect(&self, body: Paced) -> Result<Bytes, Refused> {
        let message = whole(body, self.shared.limits.list_bytes);
        match tokio::time::timeout(self.server.upstream.http.response_timeout(), message).await {
            Ok(Ok(message)) => Ok(without_mark(message)),
            _ => Err(self.refused(Unusable::TooLarge)),
        }
    }

    fn ending(&self, standing: StreamKind) -> Ending {
        let (shared, permit) = (self.shared, self.permit);
        let (slot, farewell, grace) = match standing {
            StreamKind::Answer => (None, self.id.map(access_ended), shared.limits.drain_grace),
            StreamKind::Listening(slot) => {
                (Some(slot), self.id.map(listening_complete), Duration::ZERO)
            }
            StreamKind::Open(slot) => (slot, None, Duration::ZERO),
        };
        let (pulse, trust) = (Arc::clone(&self.server.pulse), Arc::clone(&shared.trust));
        let when = Box::pin(pulse.ended(trust, Arc::clone(permit), grace));
        Ending { when, farewell, slot }
    }
}

/// The last event of an answer whose token ends first.
pub(crate) fn access_ended(id: &str) -> Bytes {
    events::of_message(&Failure::AccessEnded.text(Some(id)))
}

/// C-72: a server that ends a subscription answers the request.
pub(crate) fn listening_ended(id: &str) -> String {
    let mut meta = Object::with_capacity(64);
    meta.member(META_SUBSCRIPTION_ID, id);
    let mut result = Object::with_capacity(128);
    result.member(member::RESULT_TYPE, &quoted(result_type::COMPLETE));
    result.member(member::META, &meta.finish());
    response(id, RESULT, &result.finish())
}

/// The same answer as an event.
pub(crate) fn listening_complete(id: &str) -> Bytes {
    events::of_message(&listening_ended(id))
}

/// A response of these parts.
pub(crate) fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The form that `Content-Type` names; `None` for forms that MCP does not use.
pub(super) fn form(headers: &HeaderMap) -> Option<Form> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is(JSON) {
        Some(Form::Json)
    } else if is(EVENT_STREAM) {
        Some(Form::Events)
    } else if is(PLAIN) {
        Some(Form::Plain)
    } else {
        None
    }
}

fn is_empty(body: &Paced) -> bool {
    http_body::Body::is_end_stream(body)
}
