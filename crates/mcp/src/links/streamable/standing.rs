//! The standing stream of a legacy session (D-02): what the server says unasked.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::HttpLink;
use crate::links::{Caller, Heard};

/// How many messages a slow listener may be behind before it misses some.
const BEHIND: usize = 256;

pub(super) struct Standing {
    news: broadcast::Sender<Arc<Heard>>,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self { news: broadcast::channel(BEHIND).0 }
    }

    pub(super) fn listen(
        &self,
        _link: &HttpLink,
        _caller: &Caller,
    ) -> broadcast::Receiver<Arc<Heard>> {
        self.news.subscribe()
    }
}
