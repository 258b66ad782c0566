//! The accept loop: HTTP/1.1 with header limits and timeouts, and a drain that ends in bounded
//! time (DS-2, DS-4, T-STO-16).

mod balance;
mod connection;
mod phase;
mod seated;
mod standing;
mod watched;
mod workers;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use phase::Phase;
use seated::Seated;

pub use standing::LongLived;
pub use workers::Workers;

/// Limits of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time; more wait in the kernel's queue.
    pub connections: usize,
    /// For reading one request's headers.
    pub header_read_timeout: Duration,
    /// How long a client may take nothing of an answer that is there for it.
    pub write_timeout: Duration,
    /// How long a connection may wait for its next request. Longer than clients keep theirs, so that
    /// none sends a request into a connection that is being closed: 90 seconds are the longest that
    /// is common.
    pub idle_timeout: Duration,
    /// Bytes of one request's headers (431 beyond).
    pub header_bytes: usize,
    /// Headers of one request (431 beyond).
    pub header_count: usize,
    /// How long running requests may go on after the shutdown signal.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            header_read_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(100),
            header_bytes: 32 * 1024,
            header_count: 100,
            // The record may take three seconds after that, and ten are what supervisors often give.
            drain: Duration::from_secs(7),
        }
    }
}

/// Serves `listener` with `answer` on `workers` until `shutdown` resolves, then refuses new connections
/// and lets running requests finish, for `limits.drain` at most. Each connection says on its last answer
/// that it closes, and one without a request stays a moment for one that is on its way already.
pub async fn serve<A, F, B>(
    listener: TcpListener,
    limits: Limits,
    workers: Workers,
    answer: A,
    shutdown: impl Future<Output = ()>,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (running, stop) = (TaskTracker::new(), CancellationToken::new());
    let places = Arc::new(Semaphore::new(limits.connections));
    let begin = |(stream, peer, place)| {
        let (answer, stop, phase) = (answer.clone(), stop.clone(), Phase::new());
        let noted = Arc::clone(&phase);
        let conversation = async move {
            // From here on it is the worker's, whose runtime it is registered with.
            match TcpStream::from_std(stream) {
                Ok(stream) => connection::serve(stream, peer, limits, answer, stop, noted).await,
                Err(error) => tracing::warn!(%error, "could not serve a connection"),
            }
            drop(place);
        };
        Seated::spawn(Box::pin(conversation), phase, workers.seat(), running.clone());
    };
    let (mut shutdown, mut balance) = (pin!(shutdown), pin!(workers.balance()));
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = &mut balance => {}
            accepted = accept(&listener, &places) => accepted.map(begin).unwrap_or_default(),
        }
    }
    // Whom the kernel let in already is not turned away.
    waiting(listener, &places).for_each(begin);
    stop.cancel();
    running.close();
    if tokio::time::timeout(limits.drain, running.wait()).await.is_err() {
        tracing::warn!("some requests were still running when the drain time was over");
    }
}

/// A client that vanished without a word, such as a laptop that was closed, is noticed after two
/// minutes. Until then its streams hold places that it may want when it comes back.
fn keep_alive() -> TcpKeepalive {
    let (idle, interval) = (Duration::from_mins(1), Duration::from_secs(15));
    TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(4)
}

/// A connection, who is at its other end, and its place.
type Accepted = (std::net::TcpStream, SocketAddr, OwnedSemaphorePermit);

/// Those that wait for their acceptance at this moment, as far as there are places. The system is asked
/// itself: the runtime would answer from memory, and only so often.
fn waiting(listener: TcpListener, places: &Arc<Semaphore>) -> impl Iterator<Item = Accepted> {
    let (listener, places) = (listener.into_std().ok(), Arc::clone(places));
    std::iter::from_fn(move || {
        let place = Arc::clone(&places).try_acquire_owned().ok()?;
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        prepare(&stream);
        Some((stream, peer, place))
    })
}

fn prepare(stream: &std::net::TcpStream) {
    // Answers are small and written whole; waiting for more would only add latency.
    stream.set_nodelay(true).ok();
    SockRef::from(stream).set_tcp_keepalive(&keep_alive()).ok();
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let stream = stream.into_std().ok()?;
            prepare(&stream);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of file descriptors, or the peer went away in the queue: shed and go on.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
