//! Batches in sessions that the sidecar holds (D-60): each message is answered like a single one,
//! and the answers come back together. What comes before them comes as it comes.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::StatusCode;
use http_body_util::BodyExt as _;
use protocol::jsonrpc::{Element, Message};

use super::client_session::ClientSession;
use super::{answers, at_once, notices, request, status};
use crate::observe::Verdict;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::{ClientMessage, Reply, deliver};
use crate::policy::judge::judge;
use crate::reply;
use crate::reply::{Answer, Refused};
use crate::request::Call;
use crate::upstream::connection::ConnectionError;
use crate::upstream::wire::Era;

/// Answers a batch, whose session is one of 2025-03-26.
pub(crate) async fn answer(call: &Call<'_>, batch: &[Element<'_>]) -> Answer {
    let seat = ClientSession::of(call)?;
    let mut replies = Vec::new();
    for Element { message, text } in batch {
        replies.extend(one(call, &seat, message, text).await);
    }
    if replies.is_empty() {
        return Ok(reply::empty(StatusCode::ACCEPTED));
    }
    deliver(call, together(replies), None, StreamKind::Answer).await
}

/// The reply to one of the messages; `None` if it wants none.
async fn one(
    call: &Call<'_>,
    seat: &ClientSession,
    message: &Message<'_>,
    text: &str,
) -> Option<Reply> {
    let body = Bytes::copy_from_slice(text.as_bytes());
    match message {
        Message::Request { id, method, params } => {
            let call = call.for_request(id.get());
            let mut verdict = Verdict::OPEN;
            let judged = judge(call.server, call.permit, Era::Legacy, message, &mut verdict);
            call.exchange.judged(message, Era::Legacy, verdict);
            let replied = match judged {
                Ok(_) => request(&call, seat.clone(), (method, params), body).await,
                Err(refused) => Err(refused),
            };
            match replied {
                Ok(reply) => Some(reply),
                Err(refused) => Some(at_once(spoken(refused).await)),
            }
        }
        // Neither is answered in a batch, so neither can be refused.
        Message::Notification { method, .. } => {
            let _ = notices::take(call, seat, method, body).await;
            None
        }
        Message::Answer => {
            let _ = answers::take(call, seat, body).await;
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
                    None => return Some((Err(ConnectionError::Broken), (replies, 0, Vec::new()))),
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
    fn for_request<'c>(&'c self, id: &'c str) -> Call<'c> {
        let Call { shared, server, permit, headers, exchange, .. } = self;
        let (method, session) = (self.method.clone(), self.session.clone());
        Call { shared, server, permit, method, headers, id: Some(id), session, exchange }
    }
}
