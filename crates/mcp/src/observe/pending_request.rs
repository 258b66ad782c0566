//! A request that waits for nothing but the upstream.

use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use crate::access::Permit;

/// Where that is told. Set once it is so.
pub(crate) type Waiting = Arc<OnceLock<PendingRequest>>;

/// What has to be known of such a request, so that its answer can begin early.
#[derive(Clone)]
pub(crate) struct PendingRequest {
    pub(crate) wants: Wanted,
    /// What it may wait with, and for as long.
    pub(crate) permit: Arc<Permit>,
    /// The session that it names.
    pub(crate) session: Option<[u8; 32]>,
}

/// What a client waits for.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// The answer to the request with this id, as it was written.
    Answer(Box<str>),
    /// What is subscribed to under this id.
    Subscription(Box<str>),
    /// The standing stream, or a resumed one after the event with this id, as the client knows it.
    Stream(Option<HeaderValue>),
}
