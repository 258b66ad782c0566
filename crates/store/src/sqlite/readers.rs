//! A few connections for reading.
//!
//! A pool of our own, because a file does not hang up: the usual pool asks a connection whether it
//! is alive each time it comes back, and that question costs as much as a look-up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::AnyConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::file::SqliteFile;
use crate::error::{Busy, StoreError};

/// Readers beside the writer.
const READERS: usize = 4;

pub(super) struct Readers {
    file: SqliteFile,
    patience: Duration,
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
}

type Idle = Mutex<Vec<AnyConnection>>;

/// A connection that goes back when it is dropped, unless it had trouble.
pub(crate) struct Lent {
    connection: Option<AnyConnection>,
    home: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(file: SqliteFile, patience: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(READERS));
        Self { file, patience, permits, idle: Arc::default() }
    }

    pub(super) async fn lend(&self) -> Result<Lent, StoreError> {
        let permit = timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Busy::NoConnection)?.map_err(|_| Busy::Closed)?;
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.file.open_reader().await?,
        };
        Ok(Lent { connection: Some(connection), home: Arc::clone(&self.idle), _permit: permit })
    }

    /// Waits for those that are out and closes all. Nothing is lent any more.
    pub(super) async fn close(&self) {
        let everyone = u32::try_from(READERS).unwrap_or(u32::MAX);
        let all_back = timeout(self.patience, self.permits.acquire_many(everyone)).await;
        self.permits.close();
        drop(all_back);
        let idle = std::mem::take(&mut *lock(&self.idle));
        for connection in idle {
            // There is nothing left to do about a connection that does not even close.
            let _ = sqlx::Connection::close(connection).await;
        }
    }
}

impl Lent {
    pub(crate) const fn connection(&mut self) -> Option<&mut AnyConnection> {
        self.connection.as_mut()
    }

    /// After trouble the next reader gets a new connection.
    pub(crate) fn give_up(&mut self) {
        self.connection = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.home).push(connection);
        }
    }
}

/// A panic while the list was held cannot have left it half-changed.
fn lock(idle: &Idle) -> std::sync::MutexGuard<'_, Vec<AnyConnection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
