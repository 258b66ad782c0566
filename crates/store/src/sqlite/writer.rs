//! The one writer: takes every unit that waits, commits them together, and only then answers.
//!
//! A durable commit costs a disk flush. One flush for all units that arrived during the last one
//! is what makes durability cheap under load, and alone a unit waits for nobody.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use model::AuditEvent;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::file::SqliteFile;
use super::job::{Claim, Job, Ran, Waiting};
use super::link::Link;
use crate::conn::{Conn, UnitOfWork};
use crate::error::{Busy, StoreError};
use crate::table::audit;

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
    /// Starts the writer on a thread of its own. Nothing in a group waits but for the disk, so from
    /// the beginning of a transaction to its commit there is no hand-over to any other thread.
    pub(super) fn start(file: SqliteFile, connection: Connection) -> std::io::Result<Self> {
        let (queue, messages) = mpsc::channel(QUEUE);
        let connection = Conn::sqlite(Link::Writer(connection));
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || runtime.block_on(run(messages, file, connection)))?;
        Ok(Self(queue))
    }

    pub(super) async fn write<U: UnitOfWork>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        let (caller, mut outcome) = oneshot::channel();
        let claim = Claim::default();
        let job = Box::new(Waiting::new(unit, claim.clone(), caller));
        self.0.try_send(Message::Unit(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Busy::QueueFull,
            mpsc::error::TrySendError::Closed(_) => Busy::Closed,
        })?;
        let result = match timeout(PATIENCE, &mut outcome).await {
            Ok(result) => result,
            Err(_) if claim.take() => return Err(Busy::WaitedTooLong.into()),
            // It runs already, so the caller has to hear what comes of it.
            Err(_) => outcome.await,
        };
        result.unwrap_or_else(|_| Err(Busy::WriterStopped.into()))
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
            drop(connection.take());
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
        None => Conn::sqlite(Link::Writer(file.open_writer()?)),
    };
    let committed = run_group(&mut conn, group).await;
    if committed.is_ok() {
        // Otherwise it is closed, and that undoes what is open.
        *connection = Some(conn);
    }
    committed
}

/// Runs a group as if no unit failed, which is nearly always so. If one does, everything is undone
/// and the group runs again with a savepoint for each unit; units may be run twice.
async fn run_group(conn: &mut Conn, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let events = match run_together(conn, group).await? {
        Some(events) => events,
        None => run_apart(conn, group).await?,
    };
    audit::insert(conn, &events).await?;
    conn.control("COMMIT").await
}

/// One transaction for the group, taken as a writer at once so that no unit can fail for a lock
/// half-way. `None` if one of them failed; then nothing is left.
async fn run_together(
    conn: &mut Conn,
    group: &mut [Box<dyn Job>],
) -> Result<Option<Vec<AuditEvent>>, StoreError> {
    let mut events = Vec::with_capacity(group.len());
    conn.control("BEGIN IMMEDIATE").await?;
    for job in group {
        match job.run(conn).await {
            Ran::Keep(own) => events.extend(own),
            Ran::Abort(error) => return Err(error),
            Ran::Undo => {
                conn.control("ROLLBACK").await?;
                return Ok(None);
            }
        }
    }
    Ok(Some(events))
}

/// As [`run_together`], with a savepoint for each unit, so that one that fails undoes only itself.
async fn run_apart(
    conn: &mut Conn,
    group: &mut [Box<dyn Job>],
) -> Result<Vec<AuditEvent>, StoreError> {
    let mut events = Vec::with_capacity(group.len());
    conn.control("BEGIN IMMEDIATE").await?;
    for job in group {
        conn.control("SAVEPOINT unit").await?;
        match job.run(conn).await {
            Ran::Keep(own) => {
                events.extend(own);
                conn.control("RELEASE unit").await?;
            }
            Ran::Undo => {
                conn.control("ROLLBACK TO unit").await?;
                conn.control("RELEASE unit").await?;
            }
            Ran::Abort(error) => return Err(error),
        }
    }
    Ok(events)
}
