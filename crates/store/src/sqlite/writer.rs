//! The one writer: takes every unit that waits, commits them together, and only then answers.
//!
//! A durable commit costs a disk flush. One flush for all units that arrived during the last one
//! is what makes durability cheap under load, and alone a unit waits for nobody.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::file::SqliteFile;
use super::job::{Job, Ran, Waiting};
use crate::conn::{Conn, Txn, UnitOfWork};
use crate::error::{Busy, StoreError};

/// Units that may wait.
const QUEUE: usize = 4096;

/// Units that share a commit at most.
const GROUP: usize = 256;

/// How long a caller waits for a unit.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the writer.
pub(super) struct Writer(mpsc::Sender<Message>);

enum Message {
    Unit(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(file: SqliteFile, connection: Conn) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        tokio::spawn(run(messages, file, connection));
        Self(queue)
    }

    pub(super) async fn write<U: UnitOfWork>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        let (caller, outcome) = oneshot::channel();
        let job = Box::new(Waiting::new(unit, caller));
        self.0.try_send(Message::Unit(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Busy::QueueFull,
            mpsc::error::TrySendError::Closed(_) => Busy::Closed,
        })?;
        match timeout(PATIENCE, outcome).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Busy::WriterStopped.into()),
            Err(_) => Err(Busy::WaitedTooLong.into()),
        }
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Message::Close(done)).await.is_ok() {
            // An error means that the writer is gone already.
            let _ = closed.await;
        }
    }
}

/// Commits group after group. A connection that had trouble is not used again; the next group
/// opens a new one, so a lock, a full disk or a missing file needs no restart.
async fn run(mut messages: mpsc::Receiver<Message>, file: SqliteFile, connection: Conn) {
    let mut connection = Some(connection);
    let mut taken = Vec::with_capacity(GROUP);
    while messages.recv_many(&mut taken, GROUP).await > 0 {
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(taken.len());
        let mut closing = Vec::new();
        for message in taken.drain(..) {
            match message {
                Message::Unit(job) => group.push(job),
                Message::Close(done) => closing.push(done),
            }
        }
        write_group(&mut connection, &file, group).await;
        if !closing.is_empty() {
            messages.close();
            if let Some(connection) = connection.take() {
                connection.close().await;
            }
            // Dropping them is the answer.
            drop(closing);
        }
    }
}

async fn write_group(
    connection: &mut Option<Conn>,
    file: &SqliteFile,
    mut group: Vec<Box<dyn Job>>,
) {
    // Whoever stopped waiting was told, or will assume, that nothing was changed.
    group.retain(|job| !job.is_abandoned());
    if group.is_empty() {
        return;
    }
    // A panic in a unit drops the connection, and with it the transaction. The callers see that
    // their answer never comes, and the writer goes on.
    let committed = AssertUnwindSafe(commit_group(connection, file, &mut group)).catch_unwind();
    let Ok(committed) = committed.await else {
        tracing::error!("a unit of work panicked; its group was undone");
        return;
    };
    for job in group {
        job.answer(&committed);
    }
}

async fn commit_group(
    connection: &mut Option<Conn>,
    file: &SqliteFile,
    group: &mut [Box<dyn Job>],
) -> Result<(), StoreError> {
    let mut conn = match connection.take() {
        Some(conn) => conn,
        None => file.open_writer().await?,
    };
    let committed = run_group(&mut conn, group).await;
    if committed.is_ok() {
        *connection = Some(conn);
    } else {
        // Closing undoes what is open.
        conn.close().await;
    }
    committed
}

/// One transaction for the group, taken as a writer at once so that no unit can fail for a lock
/// half-way, and a savepoint for each unit so that one that fails undoes only itself.
async fn run_group(conn: &mut Conn, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    conn.control("BEGIN IMMEDIATE; SAVEPOINT unit").await?;
    let last = group.len().saturating_sub(1);
    for (position, job) in group.iter_mut().enumerate() {
        match job.run(&mut Txn::new(conn)).await {
            // The commit releases the last savepoint by itself.
            Ran::Keep if position == last => {}
            Ran::Keep => conn.control("RELEASE unit; SAVEPOINT unit").await?,
            // The savepoint stays, for the next unit.
            Ran::Undo => conn.control("ROLLBACK TO unit").await?,
            Ran::Abort(error) => return Err(error),
        }
    }
    conn.control("COMMIT").await
}
