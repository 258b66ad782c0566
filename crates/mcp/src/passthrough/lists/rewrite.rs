//! Lists of tools inside streams of events.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;
use upstream::wire::events::Event;
use upstream::wire::reader::Reader;
use upstream::wire::{BodyError, broke_off};

use crate::passthrough::answer::{Accepted, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::answer::{Sieve, Sifted, message, respond_with, unfilterable};
use crate::passthrough::stream::ids::Ids;
use crate::passthrough::stream::waiting::{Overfull, Waiting};
use crate::reply::Answer;
use crate::request::Call;

/// Answers `tools/list` from a stream. If the list is the first message, it is sent as JSON.
/// Otherwise the messages before it pass as they come, and only the list is rewritten.
pub(crate) async fn filter_events(call: &Call<'_>, sieve: Sieve, accepted: Accepted) -> Answer {
    let mut head = headers::to_client(call, &accepted.upstream_headers);
    let mut reader = Reader::new(accepted.body, call.shared.limits.list_bytes);
    let mut before = Waiting::new(call.shared.limits.list_bytes);
    let first = async {
        loop {
            match reader.next().await {
                Ok(Some(event)) => match event.message() {
                    Some(text) => return Ok(Some((event, text))),
                    None => before.put(event)?,
                },
                _ => return Ok(None),
            }
        }
    };
    let first = tokio::time::timeout(call.server.upstream.http.response_timeout(), first).await;
    let first = first.unwrap_or(Ok(None)).map_err(|Overfull| {
        tracing::warn!(server.name = %call.server.name, "mcp.list.too_much_before");
        unfilterable(call)
    })?;
    let mut before = before.into_events();
    let Some((event, text)) = first else {
        // The stream ended without a message: a server may ask its client to come back for the
        // answer (MCP 2025-11-25, "Sending Messages"), so the comments and ids pass.
        return end_early(call, head, &before);
    };
    match sieve.sift(&text) {
        Ok(Sifted::List(result)) => return Ok(respond_with(call, result)),
        Ok(Sifted::Error) => {
            before.push_back(event);
            return end_early(call, head, &before);
        }
        Ok(Sifted::Untouched) => before.push_back(event),
        Err(_) => return Err(unfilterable(call)),
    }
    headers::for_events(&mut head);
    let id = call.id.map(str::to_owned);
    let mut answered = false;
    let events = rewritten(reader, before, move |event| {
        let Some(text) = event.message() else {
            return Ok(event.beside_messages());
        };
        let sifted = sieve.sift(&text).map_err(|_| broke_off("a list that cannot be read"))?;
        match sifted {
            Sifted::Untouched => Ok(event.unchanged(&text)),
            _ if std::mem::replace(&mut answered, true) => {
                Err(broke_off("a second answer to one request"))
            }
            Sifted::Error => Ok(event.unchanged(&text)),
            Sifted::List(result) => Ok(event.with_message(&message(id.as_deref(), &result))),
        }
    });
    let body = call.guard(StreamBody::new(Box::pin(events)), StreamKind::Answer);
    Ok(respond(StatusCode::OK, head, body))
}

fn end_early(call: &Call<'_>, mut head: http::HeaderMap, events: &VecDeque<Event>) -> Answer {
    let passing = |event: &Event| match event.message() {
        Some(text) => event.unchanged(&text),
        None => event.beside_messages(),
    };
    let passing: Vec<u8> = events.iter().flat_map(passing).collect();
    if passing.is_empty() {
        return Err(unfilterable(call));
    }
    headers::for_events(&mut head);
    let sealed = Ids::of(call).seal(passing.into());
    Ok(respond(StatusCode::OK, head, crate::reply::body::Body::ready(sealed)))
}

/// The events in `before`, then those of `reader`, each through `change`.
pub(crate) fn rewritten(
    reader: Reader,
    before: VecDeque<Event>,
    change: impl FnMut(&Event) -> Result<Bytes, BodyError> + Send + 'static,
) -> impl Stream<Item = Result<Frame<Bytes>, BodyError>> + Send {
    stream::try_unfold((reader, before, change), |(mut reader, mut before, mut change)| async {
        let event = match before.pop_front() {
            Some(event) => Some(event),
            None => reader.next().await?,
        };
        let Some(event) = event else {
            return Ok(None);
        };
        let bytes = change(&event)?;
        Ok(Some((Frame::data(bytes), (reader, before, change))))
    })
}
