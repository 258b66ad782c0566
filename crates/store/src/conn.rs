//! Connections as the rest of this crate sees them: reading is open to all, changing only to a
//! unit of work.

use model::AuditEvent;

use crate::error::StoreError;
use crate::query::{Query, query};
use crate::row::Row;
use crate::table::revision::Watched;
use crate::{postgres, sqlite};

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
    Sqlite(sqlite::Link),
    Postgres(postgres::Link),
}

/// A connection borrowed for reading. Drop it before anything slow.
pub struct Reader(Conn);

/// The transaction of one unit of work. Only this crate's units can change something with it.
pub struct Txn<'c> {
    conn: &'c mut Conn,
    events: Vec<AuditEvent>,
    announced: Vec<Watched>,
}

// === impl Conn ===

impl Conn {
    pub(crate) const fn sqlite(link: sqlite::Link) -> Self {
        Self(Link::Sqlite(link))
    }

    pub(crate) const fn postgres(link: postgres::Link) -> Self {
        Self(Link::Postgres(link))
    }

    /// Makes a transaction of its own durable. The writer of SQLite commits several units as one.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Link::Postgres(link) => link.commit().await,
            Link::Sqlite(_) => Ok(()),
        }
    }

    /// Whether there is a table of this name.
    pub(crate) async fn has_table(&mut self, name: &str) -> Result<bool, StoreError> {
        let select = match self.0 {
            Link::Sqlite(_) => sqlite::HAS_TABLE,
            Link::Postgres(_) => postgres::HAS_TABLE,
        };
        let found = self.all("look at the schema", query(select).bind(name)).await?;
        Ok(!found.is_empty())
    }

    /// The first row of the answer, if there is one. What this reads is found by a key.
    pub(crate) async fn one_or_none(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Option<Row>, StoreError> {
        match &mut self.0 {
            Link::Sqlite(link) => link.one_or_none(operation, query).await,
            Link::Postgres(link) => link.one_or_none(operation, query).await,
        }
    }

    /// All rows of the answer. They may be many.
    pub(crate) async fn all(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.0 {
            Link::Sqlite(link) => link.all(operation, query).await,
            Link::Postgres(link) => link.all(operation, query).await,
        }
    }

    /// Makes a change and says how many rows it met.
    pub(crate) async fn change(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<u64, StoreError> {
        match &mut self.0 {
            Link::Sqlite(link) => link.change(operation, &query),
            Link::Postgres(link) => link.change(operation, query).await,
        }
    }

    /// Runs a statement that is no one's change, such as the beginning of a transaction.
    pub(crate) async fn control(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.change("control a transaction", query(statement)).await.map(drop)
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
        Self { conn, events: Vec::new(), announced: Vec::new() }
    }

    /// The connection, for reading functions.
    pub const fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// Makes a change and says how many rows it met.
    pub(crate) async fn change(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<u64, StoreError> {
        self.conn.change(operation, query).await
    }

    /// Makes a change and returns the row that it met, if it met one.
    pub(crate) async fn change_returning(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Option<Row>, StoreError> {
        self.conn.one_or_none(operation, query).await
    }

    /// Notes an event. It is written right before the transaction commits, together with those of
    /// the units that share it, and goes if the unit is undone (LG-4).
    pub(crate) fn record(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// Notes that listeners are to be told of a change. They are told by the commit.
    pub(crate) fn announce(&mut self, change: Watched) {
        if !self.announced.contains(&change) {
            self.announced.push(change);
        }
    }

    /// What listeners are to be told.
    pub(crate) fn take_announced(&mut self) -> Vec<Watched> {
        std::mem::take(&mut self.announced)
    }

    /// The events to write.
    pub(crate) fn into_events(self) -> Vec<AuditEvent> {
        self.events
    }
}
