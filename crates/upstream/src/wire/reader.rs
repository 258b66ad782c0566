//! Reads the events of an upstream, one by one.

use http_body_util::BodyExt as _;

use super::events::Event;
use super::splitter::Splitter;
use crate::http::paced::Paced;
use crate::wire::{BodyError, broke_off};

/// Reads events one by one from an upstream.
pub struct Reader {
    body: Paced,
    splitter: Splitter,
    limit: usize,
}

impl Reader {
    /// Reads this body; no event of it may have more than `limit` bytes.
    pub fn new(body: impl Into<Paced>, limit: usize) -> Self {
        Self { body: body.into(), splitter: Splitter::default(), limit }
    }

    /// The next whole event; `None` at the end. An event that breaks off is none.
    pub async fn next(&mut self) -> Result<Option<Event>, BodyError> {
        loop {
            if let Some(event) = self.splitter.next_event() {
                return Ok(Some(event));
            }
            if self.splitter.waiting() > self.limit {
                return Err(broke_off("an event that is too large"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.splitter.push(&bytes);
                    }
                }
                Some(Err(error)) => return Err(broke_off(error)),
                None => return Ok(self.splitter.last()),
            }
        }
    }
}
