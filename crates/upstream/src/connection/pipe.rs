//! One connection over which messages go both ways and are told apart by their ids: the standard
//! input and output of a child, or the two endpoints of 2024-11-05.

mod flood;
mod mailbox;
mod pending;
mod route;
mod running;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::mcp::method::{INITIALIZE, SERVER_DISCOVER};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Caller, Connection, ConnectionError, Question, ResponseStream, ServerMessage};
use crate::Upstream;
use crate::wire::Era;
use flood::Allowance;
use pending::PendingRequests;

/// How messages leave.
pub(crate) trait Wire: Send + Sync {
    /// Sends one message. After an error nothing was carried out, unless the error says so.
    fn send<'a>(
        &'a self,
        caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>>;

    /// Sends one message if that needs no waiting; otherwise lets it go.
    fn hint(&self, text: String);

    /// The first answer came.
    fn prospered(&self) {}

    /// It ended, not because of us, before any answer came.
    fn failed(&self) {}
}

/// How a pipe is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) era: Era,
    /// Whether different people's requests travel over it.
    pub(crate) everybody: bool,
    /// How long a request may stay without any answer.
    pub(crate) first_answer: Duration,
}

/// Why a pipe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody needs it any more.
    Unneeded,
    /// The other side ended it.
    Gone,
    /// The other side said too much, or what cannot be read.
    CutOff,
}

/// A connection over a pipe. Dropping it ends the connection.
pub(crate) struct Pipe(Arc<Core>);

/// What a pipe and the tasks that move its messages share.
pub(crate) struct Core {
    wire: Box<dyn Wire>,
    manner: Manner,
    upstream: Weak<Upstream>,
    server_name: String,
    flights: Mutex<PendingRequests>,
    allowance: Mutex<Allowance>,
    news: broadcast::Sender<Arc<ServerMessage>>,
    /// Messages so far.
    taken: AtomicU32,
    answered: AtomicBool,
    end: OnceLock<End>,
    closed: CancellationToken,
}

/// How many unasked messages a slow listener may be behind before it misses some.
const BEHIND: usize = 64;
/// The handshake includes the start of the server, which may have to be downloaded first.
const HANDSHAKE: Duration = Duration::from_mins(1);

impl Core {
    pub(crate) fn new(upstream: &Arc<Upstream>, wire: Box<dyn Wire>, manner: Manner) -> Arc<Self> {
        Self::with(Arc::downgrade(upstream), &upstream.name, wire, manner)
    }

    fn with(
        upstream: Weak<Upstream>,
        server_name: &str,
        wire: Box<dyn Wire>,
        manner: Manner,
    ) -> Arc<Self> {
        Arc::new(Self {
            wire,
            manner,
            upstream,
            server_name: server_name.to_owned(),
            flights: Mutex::new(PendingRequests::new()),
            allowance: Mutex::new(Allowance::new()),
            news: broadcast::channel(BEHIND).0,
            taken: AtomicU32::new(0),
            answered: AtomicBool::new(false),
            end: OnceLock::new(),
            closed: CancellationToken::new(),
        })
    }

    /// Ends it; whoever waits for an answer gets none. The first reason counts.
    pub(crate) fn shut(&self, end: End) {
        if self.end.set(end).is_ok() && end != End::Unneeded {
            tracing::warn!(server.name = %self.server_name, ?end, "mcp.upstream.ended");
            if !self.answered.load(Ordering::Relaxed) {
                self.wire.failed();
            }
        }
        self.closed.cancel();
        self.pending().fail_all();
    }

    /// Why it ended, once it did.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// Resolves when it ended.
    pub(crate) async fn ended(&self) {
        self.closed.cancelled().await;
    }

    /// Whether it still takes messages.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.is_cancelled()
    }

    /// Since when no request is under way; `None` while there is one.
    pub(crate) fn calm_since(&self) -> Option<tokio::time::Instant> {
        self.pending().calm_since()
    }

    /// Resolves when no request was under way for so long.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        let calmed = self.pending().calmed();
        loop {
            match self.calm_since() {
                Some(since) if since.elapsed() >= limit => return,
                Some(since) => tokio::time::sleep_until(since + limit).await,
                None => calmed.notified().await,
            }
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, PendingRequests> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    fn time_limit(&self, method: &str) -> Duration {
        let limit = self.0.manner.first_answer;
        if matches!(method, INITIALIZE | SERVER_DISCOVER) { limit.min(HANDSHAKE) } else { limit }
    }

    async fn send(&self, caller: &Caller, text: &str) -> Result<(), ConnectionError> {
        let sent = self.0.wire.send(caller, one_line(text)).await;
        if sent == Err(ConnectionError::SessionGone) {
            self.0.shut(End::Gone);
        }
        sent
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.0.shut(End::Unneeded);
    }
}

impl Connection for Pipe {
    fn ask<'a>(
        &'a self,
        caller: &'a Caller,
        question: Question,
    ) -> BoxFuture<'a, Result<ResponseStream, ConnectionError>> {
        Box::pin(async move {
            let limit = self.time_limit(&question.method);
            let exchange = running::begin(&self.0, question.id, &question.method, limit)?;
            self.send(caller, &question.text).await?;
            Ok(exchange)
        })
    }

    fn tell<'a>(
        &'a self,
        caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            if !self.0.is_open() {
                return Err(ConnectionError::Away);
            }
            self.send(caller, &text).await
        })
    }

    fn listen(&self, _caller: &Caller) -> broadcast::Receiver<Arc<ServerMessage>> {
        self.0.news.subscribe()
    }

    fn agreed(&self, _version: &str) {}

    fn is_open(&self) -> bool {
        self.0.is_open()
    }

    fn close(&self, _caller: &Caller) {
        self.0.shut(End::Unneeded);
    }
}

/// The same message without line ends, which frame messages on a pipe (MCP, "stdio": messages
/// must not contain newlines). In JSON they only stand between tokens; inside strings they are
/// escaped.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
