//! The threads that serve connections.
//!
//! Each has a runtime of its own, so that a request stays on its thread from socket to socket, and
//! nothing that it does wakes another one. One task accepts and deals the connections out; when their
//! work turns out to be unequal, some are [moved](super::balance).

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::balance::{Activity, Balance};

/// Threads that serve connections, until the last clone of this is dropped. What still runs on them then
/// is dropped, too.
#[derive(Clone, Debug)]
pub struct Workers(pub(super) Arc<All>);

#[derive(Debug)]
pub(super) struct All {
    pub(super) workers: Box<[Worker]>,
    pub(super) balance: Balance,
    stop: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) runtime: Handle,
    connections: AtomicUsize,
    pub(super) activity: Activity,
}

/// A connection's place at a worker, where it counts until this is dropped.
pub(super) struct Seat {
    all: Arc<All>,
    number: usize,
}

impl Workers {
    /// So many threads.
    ///
    /// # Errors
    ///
    /// What the system says to one more thread.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let start = |number| Worker::start(number, stop.clone());
        let workers = (0..count.get()).map(start).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(All { workers, balance: Balance::default(), stop })))
    }

    /// The present runtime in place of threads: for a listener that is asked little.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn here() -> Self {
        let workers = [Worker::new(Handle::current())].into();
        let (balance, stop) = (Balance::default(), CancellationToken::new());
        Self(Arc::new(All { workers, balance, stop }))
    }

    /// A seat for the next connection: where there are fewest.
    pub(super) fn seat(&self) -> Seat {
        let connections = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
        let counted = self.0.workers.iter().map(connections).enumerate();
        let fewest = counted.min_by_key(|(_, connections)| *connections);
        Seat::at(&self.0, fewest.map_or(0, |(number, _)| number))
    }
}

impl Seat {
    pub(super) fn at(all: &Arc<All>, number: usize) -> Self {
        all.workers[number].connections.fetch_add(1, Ordering::Relaxed);
        Self { all: Arc::clone(all), number }
    }

    pub(super) fn all(&self) -> &Arc<All> {
        &self.all
    }

    pub(super) fn worker(&self) -> &Worker {
        &self.all.workers[self.number]
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.worker().connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for All {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Worker {
    fn new(runtime: Handle) -> Self {
        Self { runtime, connections: AtomicUsize::new(0), activity: Activity::default() }
    }

    fn start(number: usize, stop: CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            runtime.block_on(stop.cancelled());
            // A question to a name server cannot be taken back, and is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self::new(handle))
    }
}
