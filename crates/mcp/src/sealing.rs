//! The key under which values travel with clients: ids of sessions, tasks, events and parked calls.

use std::sync::Arc;

use kernel::SecureRandom;
use kernel::seal::SealingKey;

/// What seals and opens, the same for all servers.
#[derive(Clone)]
pub(crate) struct Sealing {
    pub(crate) key: Arc<SealingKey>,
    pub(crate) random: Arc<dyn SecureRandom>,
}
