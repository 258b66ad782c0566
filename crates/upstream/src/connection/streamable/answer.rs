//! What an upstream answers to one POST.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use protocol::jsonrpc::notification;
use protocol::mcp::{CANCELLED, EVENT_STREAM, JSON, member};

use super::HttpConnection;
use super::resume::{Tail, resume};
use crate::connection::{
    Caller, Connection as _, ConnectionError, Kind, Question, ResponseStream, ServerMessage,
};
use crate::http::Incoming;
use crate::wire::json::{Object, quoted, whole_number};
use crate::wire::reader::Reader;
use crate::wire::{Era, whole};

/// Judges the head of an answer and begins to read it.
pub(super) async fn exchange(
    connection: &HttpConnection,
    caller: &Caller,
    question: &Question,
    response: Response<Incoming>,
) -> Result<ResponseStream, ConnectionError> {
    let (parts, body) = response.into_parts();
    match (parts.status, form(&parts.headers)) {
        (StatusCode::NOT_FOUND, _) if connection.0.session.get().is_some() => {
            connection.0.closed.store(true, Ordering::Relaxed);
            Err(ConnectionError::SessionGone)
        }
        (StatusCode::OK, EVENT_STREAM) => Ok(events(connection, caller, question, body)),
        // C-45: a modern server's refusal is a JSON-RPC error in a 4xx.
        (status, JSON) => {
            let limit = connection.0.upstream.means.limits.message_bytes;
            let within = connection.0.upstream.http.response_timeout();
            let text = tokio::time::timeout(within, whole(body, limit)).await;
            let text = text.map_err(|_| ConnectionError::Timeout)?;
            let text = text.map_err(|_| ConnectionError::Broken)?;
            match ServerMessage::read(text) {
                Ok(heard) if answers(&heard, question.id) => {
                    Ok(ResponseStream::new(stream::iter([Ok(heard)]).boxed(), || ()))
                }
                Ok(heard) if status.is_success() && matches!(heard.kind, Kind::Answer) => {
                    Err(ConnectionError::Unclaimed)
                }
                _ if status.is_success() => Err(ConnectionError::Garbled),
                _ => Err(ConnectionError::Refused(status)),
            }
        }
        (status, _) => Err(ConnectionError::Refused(status)),
    }
}

fn events(
    connection: &HttpConnection,
    caller: &Caller,
    question: &Question,
    body: Incoming,
) -> ResponseStream {
    let reader = Reader::new(body, connection.0.upstream.means.limits.message_bytes);
    let running = Running {
        connection: connection.clone(),
        caller: caller.clone(),
        asked: question.id,
        reader,
        tail: Tail::of(&connection.0.upstream.name),
        barren: 0,
        unclaimed: false,
    };
    let heard = stream::unfold(running, |mut running| async {
        let heard = running.next().await;
        Some((heard, running))
    });
    let (connection, caller, id) = (connection.clone(), caller.clone(), question.id);
    ResponseStream::new(heard.boxed(), move || {
        // In the modern revision the closed stream says it (C-08); before, only a message does
        // (D-05, D-34).
        if connection.0.era == Era::Legacy {
            tokio::spawn(async move {
                let _ = connection.tell(&caller, cancelled(id)).await;
            });
        }
    })
}

/// An answer that is on its way as a stream of events.
struct Running {
    connection: HttpConnection,
    caller: Caller,
    asked: u64,
    reader: Reader,
    tail: Tail,
    /// How many streams in a row ended without a message.
    barren: u32,
    /// Whether an answer to another request came.
    unclaimed: bool,
}

/// A server that ends its streams again and again without a word is not going to answer.
const MOST_BARREN: u32 = 100;

impl Running {
    /// The next message that belongs here. A response with another id is nobody's.
    async fn next(&mut self) -> Result<ServerMessage, ConnectionError> {
        loop {
            let Ok(Some(event)) = self.reader.next().await else {
                self.resume().await?;
                continue;
            };
            self.tail.saw(&event);
            let Some(text) = event.message() else { continue };
            self.barren = 0;
            let heard = ServerMessage::read(Bytes::from(text))?;
            if !matches!(heard.kind, Kind::Answer) || answers(&heard, self.asked) {
                return Ok(heard);
            }
            self.unclaimed = true;
        }
    }

    /// D-35: legacy servers may end a stream and be asked for the rest; modern ones may not
    /// (C-07).
    async fn resume(&mut self) -> Result<(), ConnectionError> {
        // It did answer, as far as it is concerned.
        if self.unclaimed {
            return Err(ConnectionError::Unclaimed);
        }
        self.barren += 1;
        if self.connection.0.era == Era::Modern || self.barren > MOST_BARREN {
            return Err(ConnectionError::Broken);
        }
        self.reader = resume(&self.connection, &self.caller, &mut self.tail).await?;
        Ok(())
    }
}

/// An error about a message whose id could not be read is about the only one that was sent.
fn answers(heard: &ServerMessage, asked: u64) -> bool {
    matches!(heard.kind, Kind::Answer)
        && heard.id().is_none_or(|id| whole_number(id.get()) == Some(asked))
}

/// `notifications/cancelled` for a request of ours.
pub(crate) fn cancelled(id: u64) -> String {
    let mut params = Object::with_capacity(64);
    params.member(member::REQUEST_ID, &id.to_string());
    params.member(member::REASON, &quoted("the client went away"));
    notification(CANCELLED, Some(&params.finish()))
}

pub(super) fn form(headers: &HeaderMap) -> &'static str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    [JSON, EVENT_STREAM]
        .into_iter()
        .find(|known| essence.eq_ignore_ascii_case(known))
        .unwrap_or_default()
}
