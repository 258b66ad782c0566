//! One request to a server behind, and what comes of it.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::{Heard, Kind, LinkError};

/// Everything that a server says on account of one request, up to its answer.
pub(crate) struct Exchange {
    heard: BoxStream<'static, Result<Heard, LinkError>>,
    cancel: Option<Box<dyn FnOnce() + Send>>,
    over: bool,
}

impl Exchange {
    /// `cancel` runs if the exchange is dropped before its answer was heard.
    pub(crate) fn new(
        heard: BoxStream<'static, Result<Heard, LinkError>>,
        cancel: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { heard, cancel: Some(Box::new(cancel)), over: false }
    }

    /// The next message; the answer is the last one. An exchange that ends without an answer ends
    /// in an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Heard, LinkError>> {
        if self.over {
            return None;
        }
        let heard = self.heard.next().await.unwrap_or(Err(LinkError::Broken));
        let last = match &heard {
            Ok(heard) => matches!(heard.kind, Kind::Answer),
            Err(_) => true,
        };
        if last {
            self.over = true;
            self.cancel = None;
        }
        Some(heard)
    }

    /// The answer alone; what comes before it is let go, and questions stay unanswered.
    pub(crate) async fn answer(mut self) -> Result<Heard, LinkError> {
        loop {
            match self.next().await {
                Some(Ok(heard)) if matches!(heard.kind, Kind::Answer) => return Ok(heard),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(LinkError::Broken),
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            cancel();
        }
    }
}
