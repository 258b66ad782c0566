//! Connections that are used again, each driven by whoever waits for its answer.
//!
//! A connection has no task of its own: the request that uses it polls it, and so does the body of the
//! answer. Nothing is handed from task to task for a request, and where a thread has a runtime of its
//! own, nothing from thread to thread: idle connections are kept apart by the thread that opened them.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use kernel::PerThread;
use kernel::per_thread::ThreadNumber;
use tokio::time::Instant;

use super::connect::{Connection, Connector};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The connections to one upstream: HTTP/1.1 with keep-alive. It follows no redirects, so a
/// credential never goes anywhere but to the configured addresses.
pub struct Pool {
    connector: Connector,
    idle: Arc<Idle>,
}

/// The body of an answer over a connection of the pool, which goes back once all of it was read. Dropping
/// the body before that closes the connection.
pub struct PooledBody {
    incoming: Incoming,
    /// `None` once the connection went back or ended.
    open: Option<Box<Open>>,
    idle: Arc<Idle>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum PoolError {
    /// The request was not read by anybody: no connection was made, or it closed before.
    Away(BoxError),
    /// The connection failed after the request may have been read.
    Broken(BoxError),
}

/// An open connection and where it belongs.
struct Open {
    target: Target,
    thread: ThreadNumber,
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Connection>, Full<Bytes>>,
}

/// What a connection leads to.
#[derive(Clone, PartialEq, Eq)]
struct Target {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
}

/// What waits for its next request, apart for each thread.
#[derive(Default)]
struct Idle(PerThread<Vec<Waiting>>);

/// An idle connection, and since when it is.
type Waiting = (Instant, Box<Open>);

/// Idle connections of one thread at most.
const MAX_IDLE: usize = 512;
/// How long a connection may be idle.
const IDLE_TIME: Duration = Duration::from_mins(1);

impl Pool {
    /// A pool of connections that are made so.
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, idle: Arc::default() }
    }

    /// Sends a request to its absolute URI over one of the connections, or a new one, and waits for the
    /// head of the answer. The request says its `Host` itself.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<PooledBody>, PoolError> {
        let (uri, target) = in_origin_form(&mut request);
        while let Some(mut open) = self.idle.take(&target) {
            match open.exchange(request).await {
                Ok(response) => return Ok(self.answered(open, response)),
                // It was closed a moment ago, and never read the request.
                Err(Failed { unsent: Some(unsent), .. }) => request = unsent,
                Err(failed) => return Err(failed.into()),
            }
        }
        // Boxed, because it is rare and needs much room.
        let opening = Box::pin(async {
            let connection = self.connector.connect(uri).await?;
            Open::new(connection, target).await
        });
        let mut open = opening.await.map_err(PoolError::Away)?;
        let response = open.exchange(request).await?;
        Ok(self.answered(open, response))
    }

    /// Opens a connection for one request alone.
    pub(super) async fn connect(&self, uri: Uri) -> Result<Connection, BoxError> {
        self.connector.connect(uri).await
    }

    /// Closes what was idle for long, and what the other side closed.
    pub fn sweep(&self) {
        self.idle.sweep();
    }

    fn answered(&self, open: Box<Open>, response: Response<Incoming>) -> Response<PooledBody> {
        response.map(|incoming| {
            let mut body = PooledBody { incoming, open: Some(open), idle: Arc::clone(&self.idle) };
            body.give_back();
            body
        })
    }
}

/// Takes scheme and authority out of the request's URI (RFC 9112 §3.2.1).
fn in_origin_form(request: &mut Request<Full<Bytes>>) -> (Uri, Target) {
    let path = request.uri().path_and_query().cloned();
    let path = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    let uri = std::mem::replace(request.uri_mut(), path);
    let target = Target { scheme: uri.scheme().cloned(), authority: uri.authority().cloned() };
    (uri, target)
}

/// A request that was not answered, and itself if nobody read it.
struct Failed {
    error: BoxError,
    unsent: Option<Request<Full<Bytes>>>,
}

impl Failed {
    /// The connection ended, and nothing was said of the request.
    fn silently() -> Self {
        Self { error: "the connection ended without an answer".into(), unsent: None }
    }
}

impl From<TrySendError<Request<Full<Bytes>>>> for Failed {
    fn from(mut error: TrySendError<Request<Full<Bytes>>>) -> Self {
        let unsent = error.take_message();
        Self { error: error.into_error().into(), unsent }
    }
}

impl From<Failed> for PoolError {
    fn from(Failed { error, unsent }: Failed) -> Self {
        match unsent {
            Some(_) => Self::Away(error),
            None => Self::Broken(error),
        }
    }
}

impl Open {
    async fn new(connection: Connection, target: Target) -> Result<Box<Self>, BoxError> {
        let (sender, driver) = http1::handshake(TokioIo::new(connection)).await?;
        Ok(Box::new(Self { target, thread: ThreadNumber::mine(), sender, driver }))
    }

    /// Sends a request and waits for the head of its answer.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        // Only the driver can bring the answer, so only the driver wakes this task.
        let answered = poll_fn(|cx| {
            let ended = Pin::new(&mut *driver).poll(cx).is_ready();
            match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending if ended => Poll::Ready(Err(Failed::silently())),
                answered => answered.map_err(Failed::from),
            }
        });
        answered.await
    }

    /// Whether a next request can go. Nobody waits for an idle connection, so nobody is woken for it.
    fn is_usable(&mut self) -> bool {
        let driven = Pin::new(&mut self.driver).poll(&mut Context::from_waker(Waker::noop()));
        driven.is_pending() && self.sender.is_ready()
    }
}

impl Idle {
    /// A connection of this thread's to there, the one that was used last.
    fn take(&self, target: &Target) -> Option<Box<Open>> {
        loop {
            let mut idle = self.0.mine();
            let position = idle.iter().rposition(|(_, open)| open.target == *target)?;
            let (_, mut open) = idle.swap_remove(position);
            drop(idle);
            if open.is_usable() {
                return Some(open);
            }
        }
    }

    fn put(&self, mut open: Box<Open>) {
        if open.is_usable() {
            let mut idle = self.0.of(open.thread);
            if idle.len() < MAX_IDLE {
                idle.push((Instant::now(), open));
            }
        }
    }

    fn sweep(&self) {
        for mut idle in self.0.all() {
            idle.retain_mut(|(since, open)| since.elapsed() < IDLE_TIME && open.is_usable());
        }
    }
}

impl PooledBody {
    /// Lets the connection go back if all of the answer was read.
    fn give_back(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(open) = self.open.take()
        {
            self.idle.put(open);
        }
    }

    fn poll_incoming(&mut self) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // As with the head: only the driver can bring more.
        Pin::new(&mut self.incoming).poll_frame(&mut Context::from_waker(Waker::noop()))
    }
}

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let mut polled = this.poll_incoming();
        if polled.is_pending()
            && let Some(open) = &mut this.open
        {
            if Pin::new(&mut open.driver).poll(cx).is_ready() {
                this.open = None;
            }
            polled = this.poll_incoming();
        }
        match &polled {
            Poll::Ready(Some(Ok(_))) => this.give_back(),
            // Only now it is known of chunks that there are no more.
            Poll::Ready(None) => this.open.take().into_iter().for_each(|open| this.idle.put(open)),
            Poll::Ready(Some(Err(_))) => this.open = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Away(_) => "nobody could be reached",
            Self::Broken(_) => "the connection failed",
        })
    }
}

impl std::error::Error for PoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Away(error) | Self::Broken(error) => Some(&**error),
        }
    }
}
