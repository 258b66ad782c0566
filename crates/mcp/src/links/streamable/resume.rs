//! Streams that break off and are taken up again (D-04, D-35). Event ids never reach a client of
//! another era.

use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{HttpLink, headers};
use crate::forward::headers::LAST_EVENT_ID;
use crate::links::{Caller, LinkError};
use crate::stream::events::Event;
use crate::stream::reader::Reader;

/// Where a stream ended, as far as the server said.
#[derive(Debug)]
pub(crate) struct Tail {
    last: Option<String>,
    pause: Duration,
}

/// How long to wait where the server does not say.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often in a row a stream may end without a word.
const ATTEMPTS: u32 = 5;

impl Default for Tail {
    fn default() -> Self {
        Self { last: None, pause: PAUSE }
    }
}

impl Tail {
    /// Takes note of an event's id and of how long the server wants us to wait.
    pub(crate) fn saw(&mut self, event: &Event) {
        if let Some(id) = event.value(b"id") {
            self.last = Some(id);
        }
        if let Some(millis) = event.value(b"retry").and_then(|retry| retry.parse().ok()) {
            self.pause = Duration::from_millis(millis).min(LONGEST_PAUSE);
        }
    }

    /// Whether there is an event after which to go on.
    pub(crate) fn is_known(&self) -> bool {
        self.last.is_some()
    }

    /// How long to wait before the next attempt.
    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    /// Names the last event that was seen, if there was one.
    pub(crate) fn name(&self, headers: &mut HeaderMap) {
        if let Some(last) = self.last.as_ref().and_then(|last| HeaderValue::from_str(last).ok()) {
            headers.insert(LAST_EVENT_ID, last);
        }
    }
}

/// Takes up a stream that ended before its answer came. Without an event id there is nothing to
/// take up.
pub(super) async fn resume(
    link: &HttpLink,
    caller: &Caller,
    tail: &Tail,
) -> Result<Reader, LinkError> {
    if !tail.is_known() {
        return Err(LinkError::Broken);
    }
    let mut refused = LinkError::Broken;
    for _ in 0..ATTEMPTS {
        tokio::time::sleep(tail.pause()).await;
        let mut asked = headers::of(&link.0, caller);
        asked.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        tail.name(&mut asked);
        match link.get(asked).await {
            Ok(response) if response.status() == StatusCode::OK => {
                let limit = link.0.shared.limits.message_bytes;
                return Ok(Reader::new(response.into_body(), limit));
            }
            Ok(response) if response.status().is_client_error() => {
                return Err(LinkError::Refused(response.status()));
            }
            Ok(response) => refused = LinkError::Refused(response.status()),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
