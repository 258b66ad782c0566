//! Connections as the rest of this crate sees them: reading is open to all, changing only to a
//! unit of work.

use model::AuditEvent;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::pool::PoolConnection;
use sqlx::{AnyConnection, Transaction};

use crate::error::{Busy, StoreError};
use crate::sqlite::Lent;

/// A change to the database that happens as a whole or not at all, such as
/// [`RotateRefresh`](crate::unit::RotateRefresh).
///
/// It holds everything that it needs and consists of SQL and pure checks only: no hashing, signing
/// or HTTP, because other units may be waiting behind it. It may be run more than once, so it must
/// not change anything but the database. What the business calls a failure is an `Ok` outcome;
/// `Err` undoes the unit.
pub trait UnitOfWork: Send + Sync + 'static {
    /// What came of it.
    type Outcome: Send + 'static;

    /// Makes the change.
    fn run(
        &self,
        txn: &mut Txn<'_>,
    ) -> impl Future<Output = Result<Self::Outcome, StoreError>> + Send;
}

/// A connection for reading functions such as [`client::find`](crate::client::find).
pub struct Conn(Link);

enum Link {
    Lent(Lent),
    Pooled(PoolConnection<Any>),
    Alone(AnyConnection),
    InTransaction(Transaction<'static, Any>),
}

/// A connection borrowed for reading. Drop it before anything slow.
pub struct Reader(Conn);

/// The transaction of one unit of work. Only this crate's units can change something with it.
pub struct Txn<'c> {
    conn: &'c mut Conn,
    events: Vec<AuditEvent>,
}

pub(crate) type Query = sqlx::query::Query<'static, Any, AnyArguments>;

// === impl Conn ===

impl Conn {
    pub(crate) const fn lent(connection: Lent) -> Self {
        Self(Link::Lent(connection))
    }

    pub(crate) const fn pooled(connection: PoolConnection<Any>) -> Self {
        Self(Link::Pooled(connection))
    }

    pub(crate) const fn alone(connection: AnyConnection) -> Self {
        Self(Link::Alone(connection))
    }

    pub(crate) const fn in_transaction(transaction: Transaction<'static, Any>) -> Self {
        Self(Link::InTransaction(transaction))
    }

    /// Ends a connection that belongs to nobody else.
    pub(crate) async fn close(self) {
        if let Link::Alone(connection) = self.0 {
            // There is nothing left to do about a connection that does not even close.
            let _ = sqlx::Connection::close(connection).await;
        }
    }

    /// Commits, if this is a transaction of its own.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Link::InTransaction(transaction) => {
                transaction.commit().await.map_err(|error| StoreError::query("commit", error))
            }
            Link::Lent(_) | Link::Pooled(_) | Link::Alone(_) => Ok(()),
        }
    }

    pub(crate) fn raw(&mut self) -> Result<&mut AnyConnection, StoreError> {
        match &mut self.0 {
            Link::Lent(lent) => lent.connection().ok_or_else(|| Busy::NoConnection.into()),
            Link::Pooled(connection) => Ok(connection),
            Link::Alone(connection) => Ok(connection),
            Link::InTransaction(transaction) => Ok(transaction),
        }
    }

    pub(crate) async fn one_or_none(
        &mut self,
        operation: &'static str,
        query: Query,
    ) -> Result<Option<AnyRow>, StoreError> {
        let row = query.fetch_optional(self.raw()?).await;
        row.map_err(|error| self.failed(operation, error))
    }

    pub(crate) async fn all(
        &mut self,
        operation: &'static str,
        query: Query,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let rows = query.fetch_all(self.raw()?).await;
        rows.map_err(|error| self.failed(operation, error))
    }

    /// Makes a change and says how many rows it met.
    pub(crate) async fn change(
        &mut self,
        operation: &'static str,
        query: Query,
    ) -> Result<u64, StoreError> {
        let done = query.execute(self.raw()?).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.failed(operation, error))
    }

    /// Runs a statement that is no one's change, such as the beginning of a transaction.
    pub(crate) async fn control(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.change("control a transaction", sqlx::query(statement)).await.map(drop)
    }

    fn failed(&mut self, operation: &'static str, error: sqlx::Error) -> StoreError {
        let error = StoreError::query(operation, error);
        if let (Link::Lent(lent), true) = (&mut self.0, error.is_unavailable()) {
            lent.give_up();
        }
        error
    }
}

// === impl Reader ===

impl Reader {
    pub(crate) const fn new(conn: Conn) -> Self {
        Self(conn)
    }

    /// The connection to read with.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.0
    }
}

// === impl Txn ===

impl<'c> Txn<'c> {
    pub(crate) const fn new(conn: &'c mut Conn) -> Self {
        Self { conn, events: Vec::new() }
    }

    /// The connection, for reading functions.
    pub const fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// Makes a change and says how many rows it met.
    pub(crate) async fn change(
        &mut self,
        operation: &'static str,
        query: Query,
    ) -> Result<u64, StoreError> {
        self.conn.change(operation, query).await
    }

    /// Makes a change and returns the row that it met, if it met one.
    pub(crate) async fn change_returning(
        &mut self,
        operation: &'static str,
        query: Query,
    ) -> Result<Option<AnyRow>, StoreError> {
        self.conn.one_or_none(operation, query).await
    }

    /// Notes an event. It is written right before the transaction commits, together with those of
    /// the units that share it, and goes if the unit is undone (LG-4).
    pub(crate) fn record(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// The events to write.
    pub(crate) fn into_events(self) -> Vec<AuditEvent> {
        self.events
    }
}
