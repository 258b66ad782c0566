//! Streams that may hold the answer to any request: what a client resumes, what a legacy session
//! waits for.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use protocol::jsonrpc::Params;
use serde_json::value::RawValue;
use upstream::wire::events::Event;
use upstream::wire::reader::Reader;
use upstream::wire::{BodyError, broke_off, events};

use crate::passthrough::answer::{Accepted, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::answer::{Sieve, message};
use crate::passthrough::lists::rewrite::rewritten;
use crate::passthrough::tasks::answer::{About, Naming};
use crate::reply::body::Body;
use crate::request::Call;
use crate::tools::lists::filter::{Message, Unfilterable, is_list, read};

/// What every event of such a stream goes through. It may be the answer to an earlier
/// `tools/list` (MCP 2025-11-25, "Resumability"), which must be as filtered as it would have been
/// where it was asked for, and may name tasks.
struct Screen {
    sieve: Sieve,
    naming: Naming,
}

/// Passes a stream of events through the filter.
pub(crate) fn pass_screened(
    call: &Call<'_>,
    accepted: Accepted,
    standing: StreamKind,
) -> Response<Body> {
    let mut head = headers::to_client(call, &accepted.upstream_headers);
    headers::for_events(&mut head);
    let reader = Reader::new(accepted.body.patient(), call.shared.limits.list_bytes);
    let sieve = Sieve::new(call, &Params::default());
    let screen = Screen { sieve, naming: Naming::of(call, About::Anything) };
    let events = rewritten(reader, VecDeque::new(), move |event| screen.event(event));
    let events = stream::iter(beginning(call).map(Frame::data).map(Ok)).chain(events);
    let body = call.guard(StreamBody::new(Box::pin(events)), standing);
    respond(accepted.status, head, body)
}

/// The id after which a client goes on, at the beginning of what it gets: SDKs forget it, and a
/// stream that ends before its first event could not be resumed again.
fn beginning(call: &Call<'_>) -> Option<Bytes> {
    call.last_event().ok()?.as_ref().map(events::beginning_after)
}

impl Screen {
    fn event(&self, event: &Event) -> Result<Bytes, BodyError> {
        let Some(text) = event.message() else {
            return Ok(event.beside_messages());
        };
        let unreadable = |Unfilterable| broke_off("a message that cannot be read");
        if let Some(list) = filtered(&self.sieve, &text).map_err(unreadable)? {
            return Ok(event.with_message(&list));
        }
        Ok(match self.naming.named(&text)? {
            Some(message) => event.with_message(&message),
            None => event.unchanged(&text),
        })
    }
}

/// Filters a message that may be the answer to anything. `None` if it holds no list: a result
/// without tools is an ordinary answer.
pub(crate) fn filtered(sieve: &Sieve, text: &[u8]) -> Result<Option<Vec<u8>>, Unfilterable> {
    #[derive(serde::Deserialize)]
    struct Identified<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let Message::Result(result) = read(text)? else {
        return Ok(None);
    };
    if !is_list(result)? {
        return Ok(None);
    }
    let filtered = sieve.filter(result)?;
    let response: Identified<'_> = serde_json::from_slice(text).map_err(|_| Unfilterable)?;
    Ok(Some(message(Some(response.id.get()), &filtered.result)))
}
