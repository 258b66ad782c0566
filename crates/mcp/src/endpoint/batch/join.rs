//! The answer of the upstream and our own refusals, put together.

use std::collections::VecDeque;

use bytes::Bytes;
use http::Response;
use http_body_util::StreamBody;
use serde_json::value::RawValue;
use upstream::wire::broke_off;
use upstream::wire::events::{Event, of_foreign_message};
use upstream::wire::reader::Reader;

use crate::passthrough::answer::{Accepted, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::answer::{Sieve, unfilterable};
use crate::passthrough::lists::rewrite::rewritten;
use crate::passthrough::lists::screen::filtered;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::request::Call;
use crate::tools::lists::filter::Unfilterable;

/// One array of these messages.
pub(super) fn array(messages: &[Bytes]) -> Bytes {
    [b"[".as_slice(), &messages.join(&b","[..]), b"]"].concat().into()
}

/// Joins an answer in JSON: an array, or one message where only one wanted an answer.
pub(super) async fn json(
    call: &Call<'_>,
    sieve: Sieve,
    refused: Vec<Bytes>,
    accepted: Accepted,
) -> Answer {
    let head = headers::to_client(call, &accepted.upstream_headers);
    let answered = call.collect(accepted.body).await?;
    let Ok(mut messages) = sifted(&sieve, &answered) else {
        return Err(unfilterable(call));
    };
    messages.extend(refused);
    Ok(respond(accepted.status, head, Body::ready(array(&messages))))
}

/// Joins a stream: our refusals are its first events.
pub(super) fn events(
    call: &Call<'_>,
    sieve: Sieve,
    refused: &[Bytes],
    accepted: Accepted,
) -> Response<Body> {
    let mut head = headers::to_client(call, &accepted.upstream_headers);
    headers::for_events(&mut head);
    let reader = Reader::new(accepted.body, call.shared.limits.list_bytes);
    let before: VecDeque<Event> =
        refused.iter().map(|message| Event { raw: of_foreign_message(message) }).collect();
    let events = rewritten(reader, before, move |event| {
        sifted_event(&sieve, event)
            .map_err(|Unfilterable| broke_off("an answer to a batch that cannot be read"))
    });
    let body = call.guard(StreamBody::new(Box::pin(events)), StreamKind::Answer);
    respond(accepted.status, head, body)
}

/// The messages in a text, which is one of them or an array, with each list of tools filtered.
pub(super) fn sifted(sieve: &Sieve, text: &[u8]) -> Result<Vec<Bytes>, Unfilterable> {
    let raw: Vec<&RawValue> = if text.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(text).map_err(|_| Unfilterable)?
    } else {
        vec![serde_json::from_slice(text).map_err(|_| Unfilterable)?]
    };
    let sift = |message: &RawValue| {
        let text = message.get().as_bytes();
        Ok(filtered(sieve, text)?.map_or_else(|| Bytes::copy_from_slice(text), Bytes::from))
    };
    raw.into_iter().map(sift).collect()
}

/// One event, with the lists of tools in it filtered.
pub(super) fn sifted_event(sieve: &Sieve, event: &Event) -> Result<Bytes, Unfilterable> {
    let Some(text) = event.message() else {
        return Ok(event.beside_messages());
    };
    let messages = sifted(sieve, &text)?;
    Ok(match &messages[..] {
        [one] if !text.trim_ascii_start().starts_with(b"[") => event.with_message(one),
        _ => event.with_message(&array(&messages)),
    })
}
