//! D-40: subscriptions to resources, which a legacy server counts once for each session, and
//! several streams of one client share.

use std::sync::Arc;
use std::time::Duration;

use protocol::mcp::{member, method};
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{Caller, ConnectionError, Outcome};
use upstream::wire::json::{Object, quoted};

use super::bridged_request::BridgedRequest;
use crate::outbound::Cause;

/// One stream's share of a subscription. The last one to be dropped ends it.
pub(super) struct Subscription {
    pub(super) uri: String,
    peer: Arc<LegacyPeer>,
    caller: Caller,
    cause: Cause,
}

/// How long a server may take, while others wait for their turn.
const TAKES: Duration = Duration::from_secs(30);
/// Resources of one session that are subscribed to.
const MOST_RESOURCES: usize = 1_000;

impl Subscription {
    /// Takes a share, and subscribes if it is the first. `None` if the server will not have it.
    pub(super) async fn take(
        asked: &BridgedRequest,
        peer: &Arc<LegacyPeer>,
        uri: &str,
    ) -> Option<Self> {
        let share = Self {
            uri: uri.to_owned(),
            peer: Arc::clone(peer),
            caller: asked.caller.clone(),
            cause: asked.cause,
        };
        // The server is asked under the lock, so that an end and a beginning never overtake
        // each other.
        let mut subscribed = peer.desk().subscribed.lock().await;
        if let Some(count) = subscribed.get_mut(uri) {
            *count += 1;
            return Some(share);
        }
        if subscribed.len() >= MOST_RESOURCES {
            return share.untaken();
        }
        // Counted first: should this future be dropped while it asks, the share ends what may
        // have begun.
        subscribed.insert(uri.to_owned(), 1);
        if tell(share.cause, peer, &share.caller, (method::RESOURCES_SUBSCRIBE, uri)).await.is_ok()
        {
            return Some(share);
        }
        subscribed.remove(uri);
        share.untaken()
    }

    /// Gives up a share that was never counted.
    fn untaken(mut self) -> Option<Self> {
        self.uri.clear();
        None
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.uri.is_empty() {
            return;
        }
        let (peer, caller, cause) = (Arc::clone(&self.peer), self.caller.clone(), self.cause);
        let uri = std::mem::take(&mut self.uri);
        tokio::spawn(async move {
            let mut subscribed = peer.desk().subscribed.lock().await;
            let Some(count) = subscribed.get_mut(&uri) else { return };
            *count -= 1;
            if *count == 0 {
                subscribed.remove(&uri);
                // A server that does not hear of it sends what nobody asked for; that is dropped.
                let _ = tell(cause, &peer, &caller, (method::RESOURCES_UNSUBSCRIBE, &uri)).await;
            }
        });
    }
}

async fn tell(
    cause: Cause,
    peer: &LegacyPeer,
    caller: &Caller,
    (method, uri): (&str, &str),
) -> Result<(), ConnectionError> {
    let mut params = Object::with_capacity(uri.len() + 16);
    params.member(member::URI, &quoted(uri));
    let params = params.finish();
    let asking = async {
        let responses =
            cause.ask_peer(peer, caller, (peer.next_id(), method), Some(&params)).await?;
        match responses.answer().await?.outcome()? {
            Outcome::Result(_) => Ok(()),
            Outcome::Error(_) => Err(ConnectionError::Garbled),
        }
    };
    tokio::time::timeout(TAKES, asking).await.unwrap_or(Err(ConnectionError::Timeout))
}
