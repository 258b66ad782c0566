//! The open streams of one server, each with the session that its client opened over it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::endpoint::message::Admitted;
use crate::endpoint::sse_front::queue::{Outlet, Queue, queue};
use crate::request::openings::UnderWay;
use crate::request::session::Session;

/// One open stream.
pub(super) struct Stream {
    pub(super) id: u64,
    /// Whose it is.
    principal: [u8; 32],
    pub(super) queue: Queue,
    /// Cancelled when it ends.
    pub(super) gone: CancellationToken,
    /// The sealed id of the session, if the server opened one.
    session: Mutex<Option<HeaderValue>>,
    initialize_sent: AtomicBool,
    /// Where to say, once, that the client is ready, so that the server may speak unasked.
    ready: Mutex<Option<oneshot::Sender<UnderWay>>>,
    /// Room for requests at the same time.
    pub(super) places: Arc<Semaphore>,
    /// Requests that are being answered.
    pub(super) requests: TaskTracker,
}

/// Resolves when the client is ready. From then on the session's own stream is being opened.
pub(super) type Ready = oneshot::Receiver<UnderWay>;

/// The streams of one server.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<u64, Arc<Stream>>>);

/// Open streams of one server.
const STREAMS: usize = 10_000;
/// Requests of one stream at the same time.
const REQUESTS: usize = 64;

impl Streams {
    /// A new stream of this principal's, if there is room.
    pub(super) fn open(&self, admitted: &Admitted<'_>) -> Option<(Arc<Stream>, Outlet, Ready)> {
        let mut id = [0; 8];
        admitted.shared.sealing.random.fill(&mut id);
        let gone = CancellationToken::new();
        let (queue, outlet) = queue(&gone);
        let (ready, is_ready) = oneshot::channel();
        let stream = Arc::new(Stream {
            id: u64::from_be_bytes(id),
            principal: *admitted.permit.principal(),
            queue,
            gone,
            session: Mutex::default(),
            initialize_sent: AtomicBool::new(false),
            ready: Mutex::new(Some(ready)),
            places: Arc::new(Semaphore::new(REQUESTS)),
            requests: TaskTracker::new(),
        });
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS || streams.contains_key(&stream.id) {
            return None;
        }
        streams.insert(stream.id, Arc::clone(&stream));
        Some((stream, outlet, is_ready))
    }

    /// The stream with this id, for its own principal only (G-20).
    pub(super) fn find(&self, id: u64, principal: &[u8; 32]) -> Option<Arc<Stream>> {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.get(&id).filter(|stream| stream.principal == *principal)?;
        (!stream.gone.is_cancelled()).then(|| Arc::clone(stream))
    }

    pub(super) fn forget(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Stream {
    /// The session as this request's permit opens it.
    pub(super) fn session(&self, admitted: &Admitted<'_>) -> Option<Arc<Session>> {
        let sealed = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        admitted.server.endpoint.sessions.open(&admitted.permit, sealed.to_str().ok()?).ok()
    }

    /// The client is ready. Whatever it sends from now on finds the session's own stream standing.
    pub(super) fn is_ready(&self, admitted: &Admitted<'_>) {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ready) = ready {
            let session = self.session(admitted);
            let _ = ready.send(admitted.call(None, session).opening());
        }
    }

    /// One stream is one session, so there is one `initialize`, unless it fails.
    pub(super) fn begin_initialize(&self) -> bool {
        !self.initialize_sent.swap(true, Ordering::AcqRel)
    }

    /// What came of `initialize`.
    pub(super) fn initialized(&self, success: bool, session: Option<&HeaderValue>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session.cloned();
        if !success {
            self.initialize_sent.store(false, Ordering::Release);
        }
    }
}
