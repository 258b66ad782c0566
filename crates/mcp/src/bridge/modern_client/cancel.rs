//! D-34: a modern client cancels by leaving; a legacy server has to be told.

use std::sync::Arc;

use protocol::mcp::{CANCELLED, member};
use upstream::connection::Caller;
use upstream::connection::legacy::LegacyPeer;
use upstream::wire::json::{Object, quoted};

use crate::outbound::Cause;

/// Tells a server that a request is off, if it is dropped before the server began to answer. From
/// then on the exchange sees to it.
pub(super) struct Guard(Option<Request>);

struct Request {
    cause: Cause,
    peer: Arc<LegacyPeer>,
    caller: Caller,
    id: u64,
}

impl Guard {
    /// Watches over a request that is about to be sent.
    pub(super) fn new(cause: Cause, peer: &Arc<LegacyPeer>, caller: &Caller, id: u64) -> Self {
        Self(Some(Request { cause, peer: Arc::clone(peer), caller: caller.clone(), id }))
    }

    /// The server began to answer, or never will.
    pub(super) fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(Request { cause, peer, caller, id }) = self.0.take() else { return };
        tokio::spawn(async move {
            let mut params = Object::with_capacity(64);
            params.member(member::REQUEST_ID, &id.to_string());
            params.member(member::REASON, &quoted("the client went away"));
            // It is told as a favour; it would go on for nothing otherwise.
            let _ = cause.notify(&peer, &caller, CANCELLED, Some(&params.finish())).await;
        });
    }
}
