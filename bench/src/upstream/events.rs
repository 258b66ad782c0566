//! The tool that reports progress: a stream of events, each sent by itself.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::Events;
use crate::tool;

/// How the events follow each other.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// As soon as the one before is written.
    AtOnce,
    /// With a pause that nobody who passes them on at once can miss.
    Slow,
}

/// The events of one call. Each is handed over only after the one before was flushed.
pub(super) fn progress(id: &str, token: &str, pace: Pace, complete: bool) -> Events {
    let mut messages: Vec<String> =
        (1..=tool::EVENTS).map(|step| notification(token, step)).collect();
    let first = if complete { r#""resultType":"complete","# } else { "" };
    messages.push(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{{first}"content":[{{"type":"text","text":"done"}}]}}}}"#
    ));
    let events = stream::iter(messages).then(move |message| async move {
        match pace {
            Pace::AtOnce => tokio::task::yield_now().await,
            Pace::Slow => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        Ok(framed(&message))
    });
    StreamBody::new(events.boxed())
}

/// A message as an event.
pub(super) fn framed(message: &str) -> Frame<Bytes> {
    Frame::data(Bytes::from(format!("event: message\ndata: {message}\n\n")))
}

fn notification(token: &str, step: usize) -> String {
    let total = tool::EVENTS;
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{step},"total":{total}}}}}"#
    )
}
