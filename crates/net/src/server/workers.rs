//! The threads that serve connections.
//!
//! Each has a runtime of its own, so that a request stays on its thread from socket to socket, and
//! nothing that it does wakes another one. One task accepts and deals the connections out.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Threads that serve connections, until the last clone of this is dropped. What still runs on them then
/// is dropped, too.
#[derive(Clone, Debug)]
pub struct Workers(Arc<All>);

#[derive(Debug)]
struct All {
    workers: Box<[Worker]>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Counts the connections: each holds a clone.
    connections: Arc<()>,
}

/// A place for one connection, where it counts until this is dropped.
pub(super) struct Place {
    pub(super) runtime: Handle,
    pub(super) counts: Arc<()>,
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
        Ok(Self(Arc::new(All { workers, stop })))
    }

    /// The present runtime in place of threads: for a listener that is asked little.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn here() -> Self {
        let here = Worker { runtime: Handle::current(), connections: Arc::default() };
        Self(Arc::new(All { workers: [here].into(), stop: CancellationToken::new() }))
    }

    /// Where the next connection is served: where there are fewest.
    pub(super) fn place(&self) -> Option<Place> {
        let connections = |worker: &&Worker| Arc::strong_count(&worker.connections);
        let fewest = self.0.workers.iter().min_by_key(connections)?;
        Some(Place { runtime: fewest.runtime.clone(), counts: Arc::clone(&fewest.connections) })
    }
}

impl Drop for All {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Worker {
    fn start(number: usize, stop: CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            runtime.block_on(stop.cancelled());
            // A question to a name server cannot be taken back, and is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, connections: Arc::default() })
    }
}
