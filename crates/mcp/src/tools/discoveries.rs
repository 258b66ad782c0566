//! What one server said of itself, kept for those who ask again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use kernel::Timestamp;
use quick_cache::sync::Cache;

/// The answers of one server to `server/discover`.
pub(crate) struct Discoveries {
    known: Cache<Owner, Arc<Discovery>>,
    asking: AtomicBool,
}

/// To whom: to one person through one client, or to everybody.
type Owner = Option<[u8; 32]>;

/// One answer.
pub(crate) struct Discovery {
    /// The JSON-RPC result, as the server wrote it.
    pub(crate) result: Bytes,
    /// Until when it is not asked anew.
    pub(crate) fresh_until: Timestamp,
}

/// How many answers are remembered.
const ENTRIES: usize = 1_000;

impl Default for Discoveries {
    fn default() -> Self {
        Self { known: Cache::new(ENTRIES), asking: AtomicBool::new(false) }
    }
}

impl Discoveries {
    /// What was answered to this principal, or to everybody.
    pub(crate) fn find(&self, principal: &[u8; 32]) -> Option<Arc<Discovery>> {
        self.known.get(&Some(*principal)).or_else(|| self.known.get(&None))
    }

    /// Remembers an answer: for this principal, or for everybody.
    pub(crate) fn keep(&self, owner: Owner, discovery: Discovery) {
        self.known.insert(owner, Arc::new(discovery));
    }

    /// Forgets what this principal would be told.
    pub(crate) fn forget(&self, principal: &[u8; 32]) {
        self.known.remove(&Some(*principal));
        self.known.remove(&None);
    }

    /// Whether the caller is the one who asks the server anew. Then [`Discoveries::renewed`] is to
    /// follow.
    pub(crate) fn begin_renewal(&self) -> bool {
        !self.asking.swap(true, Ordering::Relaxed)
    }

    /// The server was asked anew.
    pub(crate) fn renewed(&self) {
        self.asking.store(false, Ordering::Relaxed);
    }
}
