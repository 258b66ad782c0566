//! A batch for a server that takes none: its messages one after the other, answered as a stream.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use protocol::mcp::EVENT_STREAM;
use upstream::connection::ConnectionError;
use upstream::wire::BodyError;
use upstream::wire::events::of_foreign_message;
use upstream::wire::reader::Reader;

use crate::access::Permit;
use crate::endpoint::batch::join::{sifted, sifted_event};
use crate::observe::RequestRecord;
use crate::outbound::Cause;
use crate::passthrough::answer::{Accepted, Form, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::answer::{Sieve, unfilterable};
use crate::policy::judge::JudgedRequest;
use crate::reply::Refused;
use crate::reply::body::Body;
use crate::reply::failure::Unusable;
use crate::request::session::Session;
use crate::request::{Call, Endpoint, Shared};
use crate::tools::lists::filter::Unfilterable;

/// Everything that the messages still to be sent need; it outlives the request that brought them.
struct Sending {
    shared: Arc<Shared>,
    server: Arc<Endpoint>,
    permit: Arc<Permit>,
    headers: HeaderMap,
    record: RequestRecord,
    session: Option<Arc<Session>>,
    sieve: Sieve,
    /// Ready events.
    ready: VecDeque<Bytes>,
    /// What was not sent yet.
    left: VecDeque<Left>,
    /// The stream that answers the message sent last, and its id.
    answering: Option<(Reader, Option<String>)>,
}

/// A message that was not sent yet, and its id if it wants an answer.
struct Left {
    cause: Cause,
    body: Bytes,
    id: Option<String>,
}

/// Answers with a stream: first the refusals, then each message's answer.
pub(super) fn answer(
    call: &Call<'_>,
    sieve: Sieve,
    passing: &[JudgedRequest<'_>],
    refused: &[Bytes],
) -> Response<Body> {
    let left = passing.iter().map(|judged| {
        let id = judged.message().id().map(|id| id.get().to_owned());
        Left { cause: judged.into(), body: judged.body().clone(), id }
    });
    let sending = Sending {
        shared: Arc::clone(call.shared),
        server: Arc::clone(call.server),
        permit: Arc::clone(call.permit),
        headers: call.headers.clone(),
        record: call.shared.no_record(call.server),
        session: call.session.clone(),
        sieve,
        ready: refused.iter().map(|message| of_foreign_message(message)).collect(),
        left: left.collect(),
        answering: None,
    };
    let mut head = headers::to_client(call, &HeaderMap::new());
    head.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers::for_events(&mut head);
    let body = call.guard(StreamBody::new(Box::pin(sending.events())), StreamKind::Answer);
    respond(StatusCode::OK, head, body)
}

impl Sending {
    fn events(self) -> impl Stream<Item = Result<Frame<Bytes>, BodyError>> + Send {
        stream::unfold(self, |mut sending| async {
            let event = sending.next().await?;
            Some((Ok(Frame::data(event)), sending))
        })
    }

    /// The next event; `None` when every message is answered.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if let Some((reader, id)) = self.answering.take() {
                if let Some(event) = self.read(reader, id).await {
                    return Some(event);
                }
                continue;
            }
            let Left { cause, body, id } = self.left.pop_front()?;
            if let Err(refused) = self.send(cause, body, id.as_deref()).await {
                // Only a request is told what became of it.
                if id.is_some() {
                    return Some(of_foreign_message(&refused.into_text().await));
                }
            }
        }
    }

    /// Reads on in the stream that answers one message.
    async fn read(&mut self, mut reader: Reader, id: Option<String>) -> Option<Bytes> {
        let refused = match reader.next().await {
            Ok(None) => return None,
            Ok(Some(event)) => match sifted_event(&self.sieve, &event) {
                Ok(event) => {
                    self.answering = Some((reader, id));
                    return Some(event);
                }
                Err(Unfilterable) => unfilterable(&self.call(id.as_deref())),
            },
            Err(_) => self.call(id.as_deref()).refused(ConnectionError::Broken),
        };
        Some(of_foreign_message(&refused.into_text().await))
    }

    /// Sends one message. Its answer is then ready, or being read.
    async fn send(&mut self, cause: Cause, body: Bytes, id: Option<&str>) -> Result<(), Refused> {
        let call = self.call(id);
        let Accepted { status, form, body, .. } = call.accept(call.send(cause, body).await?)?;
        match form {
            Form::Events => {
                let reader = Reader::new(body, call.shared.limits.list_bytes);
                self.answering = Some((reader, id.map(str::to_owned)));
            }
            Form::Json => {
                let answered = call.collect(body).await?;
                let messages =
                    sifted(&self.sieve, &answered).map_err(|Unfilterable| unfilterable(&call))?;
                self.ready.extend(messages.iter().map(|message| of_foreign_message(message)));
            }
            Form::Plain if status.is_success() && id.is_none() => {}
            Form::Plain => {
                return Err(call.refused(Unusable::ContentType));
            }
        }
        Ok(())
    }

    fn call<'c>(&'c self, id: Option<&'c str>) -> Call<'c> {
        let Self { shared, server, permit, headers, record, session, .. } = self;
        let (method, session) = (Method::POST, session.clone());
        Call { shared, server, permit, method, headers, id, session, record }
    }
}
