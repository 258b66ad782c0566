//! Batches in sessions that the sidecar holds (D-60): each message is answered like a single one,
//! and the answers come back together. What comes before them comes as it comes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::StatusCode;
use http_body_util::BodyExt as _;
use protocol::jsonrpc::{Element, Message};
use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::wire::Era;

use super::client_session::ClientSession;
use super::{answers, at_once, notices, request, status};
use crate::bridge::{Crossing, State};
use crate::outbound::Cause;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::{ClientMessage, Reply, deliver};
use crate::reply;
use crate::reply::{Answer, Refused};
use crate::request::Call;

/// Answers a batch, whose session is one of 2025-03-26.
pub(crate) async fn answer(
    (call, state): (&Call<'_>, &Arc<State>),
    batch: &[Element<'_>],
) -> Answer {
    let seat = ClientSession::of(call, state)?;
    let mut replies = Vec::new();
    for element in batch {
        replies.extend(one((call, state), &seat, element).await);
    }
    if replies.is_empty() {
        return Ok(reply::empty(StatusCode::ACCEPTED));
    }
    deliver(call, together(replies), None, StreamKind::Answer).await
}

/// The reply to one of the messages; `None` if it wants none. Only a request is told that it was
/// refused.
async fn one(
    (call, state): (&Call<'_>, &Arc<State>),
    seat: &ClientSession,
    Element { message, text }: &Element<'_>,
) -> Option<Reply> {
    let by = (&**call.permit, call.record);
    let judged =
        call.server.judged(by, Era::Legacy, message, Bytes::copy_from_slice(text.as_bytes()));
    let (judged, call) = match (judged, message.id()) {
        (Ok(judged), id) => (judged, call.for_message(id.map(RawValue::get))),
        (Err(refused), Some(_)) => return Some(at_once(spoken(refused).await)),
        (Err(_), None) => return None,
    };
    let body = judged.body().clone();
    let crossing = Crossing { call: &call, state, cause: Cause::from(&judged) };
    match message {
        Message::Request { method, params, .. } => {
            match request(&crossing, seat.clone(), (method, params), body).await {
                Ok(reply) => Some(reply),
                Err(refused) => Some(at_once(spoken(refused).await)),
            }
        }
        Message::Notification { method, .. } => {
            let _ = notices::take(&crossing, seat, method, body).await;
            None
        }
        Message::Answer => {
            let _ = answers::take(&crossing, seat, body).await;
            None
        }
    }
}

/// One HTTP status cannot speak for several messages, so a refusal becomes the JSON-RPC error that
/// it holds.
async fn spoken(refused: Refused) -> ClientMessage {
    let body = refused.into_response().into_body();
    let text = body.collect().await.map(http_body_util::Collected::to_bytes);
    ClientMessage::answer(text.unwrap_or_default(), status::ANSWER)
}

/// What is said before the answers, then all answers as one array.
fn together(replies: Vec<Reply>) -> Reply {
    let waiting = replies.len();
    let replies: BoxStream<'static, _> = stream::select_all(replies).boxed();
    stream::unfold(
        (replies, waiting, Vec::new()),
        |(mut replies, mut waiting, mut answers)| async move {
            while waiting > 0 {
                match replies.next().await {
                    Some(Ok(said)) if said.last => {
                        answers.push(said.text);
                        waiting -= 1;
                    }
                    Some(said) => return Some((said, (replies, waiting, answers))),
                    None => {
                        return Some((
                            Err(ConnectionError::Broken.into()),
                            (replies, 0, Vec::new()),
                        ));
                    }
                }
            }
            let array = (!answers.is_empty()).then(|| array(&std::mem::take(&mut answers)))?;
            Some((Ok(ClientMessage::answer(array, status::ANSWER)), (replies, 0, answers)))
        },
    )
    .boxed()
}

fn array(answers: &[Bytes]) -> Bytes {
    let mut array = b"[".to_vec();
    for (position, answer) in answers.iter().enumerate() {
        if position > 0 {
            array.push(b',');
        }
        array.extend_from_slice(answer);
    }
    array.push(b']');
    array.into()
}

impl Call<'_> {
    /// The call for one message of several.
    fn for_message<'c>(&'c self, id: Option<&'c str>) -> Call<'c> {
        let Call { shared, server, permit, headers, record, .. } = self;
        let (method, session) = (self.method.clone(), self.session.clone());
        Call { shared, server, permit, method, headers, id, session, record }
    }
}
