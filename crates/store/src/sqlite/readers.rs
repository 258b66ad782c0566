//! A few connections for reading.
//!
//! A look-up by key runs on the thread that asks: it is some ten microseconds, and a hop to another
//! thread and back costs more than that. What may be long, or has to wait for somebody else's lock,
//! runs on a thread for that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::file::SqliteFile;
use super::statement;
use crate::error::{Busy, StoreError};
use crate::query::Query;
use crate::row::Row;

/// Readers beside the writer.
const READERS: usize = 4;

pub(super) struct Readers {
    patience: Duration,
    permits: Arc<Semaphore>,
    home: Arc<Home>,
}

/// Where connections are while nobody reads.
struct Home {
    file: SqliteFile,
    idle: Mutex<Vec<Connection>>,
}

/// A connection that goes back when it is dropped, unless it had trouble.
pub(crate) struct Lent {
    connection: Option<Connection>,
    home: Arc<Home>,
    permit: Arc<OwnedSemaphorePermit>,
}

/// How a statement is run and its answer read.
type Run<T> = fn(&Connection, &Query<'_>) -> rusqlite::Result<T>;

// === impl Readers ===

impl Readers {
    pub(super) fn new(file: SqliteFile, patience: Duration) -> Self {
        let home = Arc::new(Home { file, idle: Mutex::default() });
        Self { patience, permits: Arc::new(Semaphore::new(READERS)), home }
    }

    pub(super) async fn lend(&self) -> Result<Lent, StoreError> {
        let permit = timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Busy::NoConnection)?.map_err(|_| Busy::Closed)?;
        let connection = match self.home.take() {
            Some(connection) => connection,
            None => self.home.open().await?,
        };
        let home = Arc::clone(&self.home);
        Ok(Lent { connection: Some(connection), home, permit: Arc::new(permit) })
    }

    /// Waits for those that are out and closes all. Nothing is lent any more.
    pub(super) async fn close(&self) {
        let everyone = u32::try_from(READERS).unwrap_or(u32::MAX);
        let all_back = timeout(self.patience, self.permits.acquire_many(everyone)).await;
        self.permits.close();
        drop(all_back);
        while let Some(connection) = self.home.take() {
            drop(connection);
        }
    }
}

// === impl Home ===

impl Home {
    fn take(&self) -> Option<Connection> {
        self.lock().pop()
    }

    async fn open(self: &Arc<Self>) -> Result<Connection, StoreError> {
        let home = Arc::clone(self);
        let opened = spawn_blocking(move || home.file.open_reader()).await;
        opened.unwrap_or_else(|_| Err(Busy::NoConnection.into()))
    }

    /// A panic while the list was held cannot have left it half-changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lent ===

impl Lent {
    /// Looks something up by its key.
    pub(super) async fn one_or_none(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let here = statement::one_or_none(self.connection()?, &query);
        if here.as_ref().is_err_and(must_wait) {
            return self.elsewhere(operation, query, statement::one_or_none).await;
        }
        self.answer(operation, here)
    }

    /// Lists something.
    pub(super) async fn all(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.elsewhere(operation, query, statement::all).await
    }

    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| Busy::NoConnection.into())
    }

    /// Runs a statement on a thread that may wait. If the caller goes away meanwhile, the
    /// connection is closed when the thread is done with it, and only then another may be opened.
    async fn elsewhere<T: Send + 'static>(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
        run: Run<T>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.take().ok_or(Busy::NoConnection)?;
        let (query, permit) = (query.into_owned(), Arc::clone(&self.permit));
        let lock_wait = self.home.file.lock_wait();
        let task = spawn_blocking(move || {
            let answer = patiently(&connection, lock_wait, || run(&connection, &query));
            drop(permit);
            (connection, answer)
        });
        let (connection, answer) = task.await.map_err(|_| Busy::NoConnection)?;
        self.connection = Some(connection);
        self.answer(operation, answer)
    }

    /// After trouble the next reader gets a new connection.
    fn answer<T>(
        &mut self,
        operation: &'static str,
        answer: rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        answer.map_err(|error| {
            let error = StoreError::sqlite(operation, error);
            if error.is_unavailable() {
                self.connection = None;
            }
            error
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.home.lock().push(connection);
        }
    }
}

/// Whether somebody else holds a lock.
fn must_wait(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Does something with a connection that waits for locks meanwhile.
fn patiently<T>(
    connection: &Connection,
    lock_wait: Duration,
    run: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.busy_timeout(lock_wait)?;
    let answer = run();
    connection.busy_timeout(Duration::ZERO)?;
    answer
}
