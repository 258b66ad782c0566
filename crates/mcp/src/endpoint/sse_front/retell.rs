//! What a message was answered, told again over the stream of its client.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;
use protocol::mcp::EVENT_STREAM;
use upstream::connection::streamable::Tail;
use upstream::connection::{ConnectionError, Kind, ServerMessage};
use upstream::wire::splitter::Splitter;
use upstream::wire::{events, whole};

use crate::endpoint::sse_front::queue::CutOff;
use crate::endpoint::sse_front::stream::Stream;
use crate::reply::body::Body;
use crate::reply::failure::Failure;

/// Tells what a request was answered. Says whether the answer to the request with this id was
/// there.
pub(super) async fn answer(
    stream: &Stream,
    id: Option<&str>,
    response: Response<Body>,
    limit: usize,
    tail: &mut Tail,
) -> bool {
    let (parts, body) = response.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if kind.starts_with(EVENT_STREAM.as_bytes()) {
        return events(stream, body, limit, id, tail).await;
    }
    match whole(body, limit).await {
        Ok(whole) => message(stream, id, whole).await,
        Err(_) => false,
    }
}

/// Tells that there is no answer to this request.
pub(super) async fn no_answer(stream: &Stream, id: &str) {
    let text = Failure::from(ConnectionError::Garbled).text(Some(id));
    let _ = put(stream, text.as_bytes()).await;
}

/// Tells events as they come, as messages: their ids mean nothing to this client. Says whether the
/// answer to the request with this id was among them.
pub(super) async fn events(
    stream: &Stream,
    mut body: Body,
    limit: usize,
    id: Option<&str>,
    tail: &mut Tail,
) -> bool {
    let mut splitter = Splitter::default();
    let mut answered = false;
    while splitter.waiting() <= limit
        && let Some(Ok(frame)) = body.frame().await
    {
        let Ok(bytes) = frame.into_data() else { continue };
        splitter.push(&bytes);
        while let Some(event) = splitter.next_event() {
            tail.saw(&event);
            let Some(text) = event.message() else { continue };
            answered |= is_answer(&text, id);
            if put(stream, &text).await.is_err() {
                return true;
            }
        }
    }
    answered
}

/// Tells one whole body. What is no message, or an error that names no request, is left out.
async fn message(stream: &Stream, id: Option<&str>, whole: Bytes) -> bool {
    // A batch is answered with an array, which is one event as it is one body.
    let batch = id.is_none() && serde_json::from_slice::<serde::de::IgnoredAny>(&whole).is_ok();
    if !batch && !is_answer(&whole, id) {
        return false;
    }
    let _ = put(stream, &whole).await;
    true
}

fn is_answer(text: &[u8], id: Option<&str>) -> bool {
    let heard = ServerMessage::read(Bytes::copy_from_slice(text));
    let named = |heard: ServerMessage| heard.id().is_some_and(|named| Some(named.get()) == id);
    heard.is_ok_and(|heard| matches!(heard.kind, Kind::Answer) && named(heard))
}

async fn put(stream: &Stream, message: &[u8]) -> Result<(), CutOff> {
    stream
        .queue
        .put(events::of_foreign_message(message))
        .await
        .inspect_err(|_| stream.gone.cancel())
}
