//! One request on a pipe from its start to its answer, or to the moment nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::mailbox::Mailbox;
use super::{Core, End};
use crate::links::streamable::cancelled;
use crate::links::{Exchange, Heard, LinkError};

/// Notes the request and gives the exchange in which its messages will come.
pub(super) fn take_off(
    core: &Arc<Core>,
    id: u64,
    method: &str,
    first_answer: Duration,
) -> Result<Exchange, LinkError> {
    let mailbox = core.flights().board(id, method == "subscriptions/listen")?;
    let handshake = method == "initialize";
    let flying =
        Flying { core: Arc::clone(core), id, handshake, mailbox, limit: Some(first_answer) };
    let heard = stream::unfold(flying, |mut flying| async {
        let heard = flying.next().await?;
        Some((heard, flying))
    });
    // Dropping the stream is what cancels, so that a request that took too long is cancelled, too.
    Ok(Exchange::new(heard.boxed(), || ()))
}

struct Flying {
    core: Arc<Core>,
    id: u64,
    handshake: bool,
    mailbox: Mailbox,
    /// How long the first message may take.
    limit: Option<Duration>,
}

impl Flying {
    async fn next(&mut self) -> Option<Result<Heard, LinkError>> {
        let next = self.mailbox.next();
        match self.limit.take() {
            Some(limit) => {
                let next = tokio::time::timeout(limit, next).await;
                next.unwrap_or(Some(Err(LinkError::Timeout)))
            }
            None => next.await,
        }
    }
}

/// On a pipe nothing but a message says that nobody waits any more (MCP, "Cancellation", in all
/// revisions for stdio). `initialize` must not be cancelled that way; without it there is nothing
/// to go on with.
impl Drop for Flying {
    fn drop(&mut self) {
        let was_under_way = self.core.flights().forget(self.id);
        match (was_under_way, self.handshake) {
            (true, true) => self.core.shut(End::Unneeded),
            (true, false) => self.core.wire.hint(cancelled(self.id)),
            (false, _) => {}
        }
    }
}
