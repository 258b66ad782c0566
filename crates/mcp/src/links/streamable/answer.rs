//! What a server behind answers to one POST.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use super::HttpLink;
use crate::links::{Caller, Exchange, Heard, Kind, Link as _, LinkError, Question};
use crate::mirror::Era;
use crate::stream::reader::Reader;

/// Judges the head of an answer and begins to read it.
pub(super) async fn exchange(
    link: &HttpLink,
    caller: &Caller,
    question: &Question,
    response: Response<Incoming>,
) -> Result<Exchange, LinkError> {
    let (parts, body) = response.into_parts();
    if parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(LinkError::Garbled);
    }
    match (parts.status, form(&parts.headers)) {
        (StatusCode::NOT_FOUND, _) if link.0.session.get().is_some() => {
            link.0.closed.store(true, Ordering::Relaxed);
            Err(LinkError::SessionGone)
        }
        (StatusCode::OK, "text/event-stream") => Ok(events(link, caller, question, body)),
        // C-45: a modern server's refusal is a JSON-RPC error in a 4xx.
        (status, "application/json") => {
            let limit = link.0.shared.limits.message_bytes;
            let collected = Limited::new(body, limit).collect().await;
            let text = collected.map_err(|_| LinkError::Broken)?.to_bytes();
            match Heard::read(text) {
                Ok(heard) if is_answer_to(&heard, question) => {
                    Ok(Exchange::new(stream::iter([Ok(heard)]).boxed(), || ()))
                }
                _ if status.is_success() => Err(LinkError::Garbled),
                _ => Err(LinkError::Refused(status)),
            }
        }
        (status, _) => Err(LinkError::Refused(status)),
    }
}

fn events(link: &HttpLink, caller: &Caller, question: &Question, body: Incoming) -> Exchange {
    let reader = Reader::new(body, link.0.shared.limits.message_bytes);
    let asked = question.clone();
    let heard = stream::unfold((reader, asked), |(mut reader, asked)| async {
        let heard = next(&mut reader, &asked).await?;
        Some((heard, (reader, asked)))
    });
    let (link, caller, id) = (link.clone(), caller.clone(), question.id);
    Exchange::new(heard.boxed(), move || {
        // In the modern revision the closed stream says it (C-08); before, only a message does
        // (D-05, D-34).
        if link.0.era == Era::Legacy {
            tokio::spawn(async move {
                let _ = link.tell(&caller, cancelled(id)).await;
            });
        }
    })
}

/// The next message that belongs here. A response with another id is nobody's.
async fn next(reader: &mut Reader, asked: &Question) -> Option<Result<Heard, LinkError>> {
    loop {
        let event = match reader.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return None,
            Err(_) => return Some(Err(LinkError::Broken)),
        };
        let Some(text) = event.message() else { continue };
        let heard = Heard::read(Bytes::from(text));
        match heard {
            Ok(heard) if matches!(heard.kind, Kind::Answer) && !is_answer_to(&heard, asked) => {}
            heard => return Some(heard),
        }
    }
}

/// An error about a message whose id could not be read is about the only one that was sent.
fn is_answer_to(heard: &Heard, question: &Question) -> bool {
    matches!(heard.kind, Kind::Answer)
        && heard.id().is_none_or(|id| id.get() == question.id.to_string())
}

/// `notifications/cancelled` for a request of ours.
pub(crate) fn cancelled(id: u64) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\
         \"params\":{{\"requestId\":{id},\"reason\":\"the client went away\"}}}}"
    )
}

fn form(headers: &HeaderMap) -> &'static str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "text/event-stream"]
        .into_iter()
        .find(|known| essence.eq_ignore_ascii_case(known))
        .unwrap_or_default()
}
