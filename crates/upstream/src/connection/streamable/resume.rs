//! Streams that break off and are taken up again (D-04, D-35). Event ids never reach a client of
//! another era.

use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::SecureRandom;
use protocol::mcp::EVENT_STREAM;

use super::{HttpConnection, headers};
use crate::connection::{Caller, ConnectionError};
use crate::pacing::Pacing;
use crate::wire::events::Event;
use crate::wire::headers::LAST_EVENT_ID;
use crate::wire::reader::Reader;

/// Where a stream ended, as far as the server said.
#[derive(Debug)]
pub struct Tail {
    last: Option<HeaderValue>,
    /// How long the server wants us to wait.
    wish: Option<Duration>,
    pacing: Pacing,
}

/// How often in a row a stream may end without a word.
const ATTEMPTS: u32 = 5;

impl Tail {
    /// Of a stream of this server that says nothing yet.
    pub fn of(server: &str) -> Self {
        Self { last: None, wish: None, pacing: Pacing::of(server) }
    }

    /// Takes note of an event's id and of how long the server wants us to wait. After an empty id
    /// there is nothing to go on from, and after one that no header can hold neither.
    pub fn saw(&mut self, event: &Event) {
        if let Some(id) = event.value(b"id") {
            self.last = HeaderValue::from_str(&id).ok().filter(|id| !id.is_empty());
        }
        if let Some(millis) = event.value(b"retry").and_then(|retry| retry.parse().ok()) {
            self.wish = Some(Duration::from_millis(millis));
        }
        if event.message().is_some() {
            self.pacing.heard();
        }
    }

    /// Whether there is an event after which to go on.
    pub fn is_known(&self) -> bool {
        self.last.is_some()
    }

    /// The stream stands.
    pub fn opened(&mut self) {
        self.pacing.opened();
    }

    /// How long to wait before the next attempt.
    pub fn pause(&mut self, random: &dyn SecureRandom) -> Duration {
        self.pacing.pause(self.wish, random)
    }

    /// Names the last event that was seen, if there was one.
    pub fn name(&self, headers: &mut HeaderMap) {
        if let Some(last) = &self.last {
            headers.insert(LAST_EVENT_ID, last.clone());
        }
    }
}

/// Takes up a stream that ended before its answer came. Without an event id there is nothing to
/// take up.
pub(super) async fn resume(
    connection: &HttpConnection,
    caller: &Caller,
    tail: &mut Tail,
) -> Result<Reader, ConnectionError> {
    if !tail.is_known() {
        return Err(ConnectionError::Broken);
    }
    let mut refused = ConnectionError::Broken;
    for _ in 0..ATTEMPTS {
        tokio::time::sleep(tail.pause(&*connection.0.upstream.means.random)).await;
        let mut asked = headers::of(&connection.0, caller);
        asked.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
        tail.name(&mut asked);
        match connection.get(asked).await {
            Ok(response) if response.status() == StatusCode::OK => {
                tail.opened();
                let limit = connection.0.upstream.means.limits.message_bytes;
                return Ok(Reader::new(response.into_body(), limit));
            }
            Ok(response) if response.status().is_client_error() => {
                return Err(ConnectionError::Refused(response.status()));
            }
            Ok(response) => refused = ConnectionError::Refused(response.status()),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::splitter::Splitter;

    impl Tail {
        fn of_nobody() -> Self {
            Self { last: None, wish: None, pacing: Pacing::of("default") }
        }
    }

    fn seen(stream: &str) -> Option<HeaderValue> {
        let (mut splitter, mut tail) = (Splitter::default(), Tail::of_nobody());
        splitter.push(stream.as_bytes());
        while let Some(event) = splitter.next_event() {
            tail.saw(&event);
        }
        let mut headers = HeaderMap::new();
        tail.name(&mut headers);
        assert_eq!(tail.is_known(), headers.contains_key(LAST_EVENT_ID));
        headers.remove(LAST_EVENT_ID)
    }

    #[test]
    fn only_an_event_that_can_be_named_is_gone_on_from() {
        let named = |id: &'static str| Some(HeaderValue::from_static(id));
        assert_eq!(seen("data: 1\n\n"), None);
        assert_eq!(seen("id: a\n\ndata: 1\n\n"), named("a"));
        assert_eq!(seen("id: a\n\nid: b c\n\n"), named("b c"));
        assert_eq!(seen("id: a\n\nid\n\n"), None);
        assert_eq!(seen("id: a\n\nid: \n\n"), None);
        assert_eq!(seen("id: a\n\nid: \u{7f}\n\n"), None);
    }
}
