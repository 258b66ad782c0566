//! One request on a pipe from its start to its answer, or to the moment nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use protocol::mcp::method::{INITIALIZE, SUBSCRIPTIONS_LISTEN};

use super::mailbox::Mailbox;
use super::{Core, End};
use crate::connection::streamable::cancelled;
use crate::connection::{ConnectionError, ResponseStream, ServerMessage};

/// Notes the request and gives the exchange in which its messages will come.
pub(super) fn begin(
    core: &Arc<Core>,
    id: u64,
    method: &str,
    first_answer: Duration,
) -> Result<ResponseStream, ConnectionError> {
    let mailbox = core.pending().register(id, method == SUBSCRIPTIONS_LISTEN)?;
    let handshake = method == INITIALIZE;
    let flying = RunningRequest {
        core: Arc::clone(core),
        id,
        handshake,
        mailbox,
        limit: Some(first_answer),
    };
    let heard = stream::unfold(flying, |mut flying| async {
        let heard = flying.next().await?;
        Some((heard, flying))
    });
    // Dropping the stream is what cancels, so that a request that took too long is cancelled, too.
    Ok(ResponseStream::new(heard.boxed(), || ()))
}

struct RunningRequest {
    core: Arc<Core>,
    id: u64,
    handshake: bool,
    mailbox: Mailbox,
    /// How long the first message may take.
    limit: Option<Duration>,
}

impl RunningRequest {
    async fn next(&mut self) -> Option<Result<ServerMessage, ConnectionError>> {
        let next = self.mailbox.next();
        match self.limit.take() {
            Some(limit) => {
                let next = tokio::time::timeout(limit, next).await;
                next.unwrap_or(Some(Err(ConnectionError::Timeout)))
            }
            None => next.await,
        }
    }
}

/// On a pipe nothing but a message says that nobody waits any more (MCP, "Cancellation", in all
/// revisions for stdio). `initialize` must not be cancelled that way; without it there is nothing
/// to go on with.
impl Drop for RunningRequest {
    fn drop(&mut self) {
        let was_under_way = self.core.pending().forget(self.id);
        match (was_under_way, self.handshake) {
            (true, true) => self.core.shut(End::Unneeded),
            (true, false) => self.core.wire.hint(cancelled(self.id)),
            (false, _) => {}
        }
    }
}
