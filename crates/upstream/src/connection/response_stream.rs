//! One request to an upstream, and what comes of it.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::{ConnectionError, Kind, ServerMessage};

/// Everything that a server says on account of one request, up to its answer.
pub struct ResponseStream {
    heard: BoxStream<'static, Result<ServerMessage, ConnectionError>>,
    cancel: Option<Box<dyn FnOnce() + Send>>,
    over: bool,
}

impl ResponseStream {
    /// `cancel` runs if the exchange is dropped before its answer was heard.
    pub fn new(
        heard: BoxStream<'static, Result<ServerMessage, ConnectionError>>,
        cancel: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { heard, cancel: Some(Box::new(cancel)), over: false }
    }

    /// The next message; the answer is the last one. An exchange that ends without an answer ends
    /// in an error.
    pub async fn next(&mut self) -> Option<Result<ServerMessage, ConnectionError>> {
        if self.over {
            return None;
        }
        let heard = self.heard.next().await.unwrap_or(Err(ConnectionError::Broken));
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
    pub async fn answer(mut self) -> Result<ServerMessage, ConnectionError> {
        loop {
            match self.next().await {
                Some(Ok(heard)) if matches!(heard.kind, Kind::Answer) => return Ok(heard),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(ConnectionError::Broken),
            }
        }
    }
}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            cancel();
        }
    }
}
