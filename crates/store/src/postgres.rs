//! PostgreSQL: a unit of work is an ordinary transaction.
//!
//! After a failover, connections may still lead to the node that was the primary. It answers reads
//! with what was true before and refuses every change (SQLSTATE 25006), so a connection counts
//! only while its node says that it takes changes.

mod link;
mod listener;
mod pooler;
mod statement;
mod tls;
pub(crate) mod url;

use sqlx::any::{Any, AnyConnectOptions};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Executor as _};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) use self::link::Link;
use crate::conn::{Conn, Reader, Txn, UnitOfWork};
use crate::error::StoreError;
use crate::options::StoreOptions;
use crate::table::audit;

/// How often a unit runs that lost against another transaction.
const MAX_RUNS: u32 = 8;

/// Settings of each connection. The isolation level is said aloud because every unit is written
/// for it: compare-and-swap needs no more. The limits keep one stuck statement from holding
/// everything else (T-STO-08).
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed'; \
                        SET statement_timeout = 10000; \
                        SET idle_in_transaction_session_timeout = 30000";

/// A row if there is a table of this name.
pub(crate) const HAS_TABLE: &str = "SELECT CAST(table_name AS TEXT) \
                                    FROM information_schema.tables \
                                    WHERE table_schema = current_schema() AND table_name = $1";

/// Whether the node takes changes: it is no standby, and nobody made it read-only.
const TAKES_CHANGES: &str = "SELECT CASE WHEN pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' \
     THEN 0 ELSE 1 END";

/// How long a connection that was idle may take to say so. One whose node vanished never answers,
/// and there may be a pool full of them.
const CHECK_WAIT: Duration = Duration::from_millis(500);

pub(crate) struct Postgres {
    pool: AnyPool,
    options: AnyConnectOptions,
    listen_at: Box<PgConnectOptions>,
}

impl Postgres {
    pub(crate) async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let connect =
            url::connect_options(&options.url).map_err(|reason| StoreError::Url { reason })?;
        let listen_at = options.listen_url.as_ref().unwrap_or(&options.url);
        let listen_at =
            url::listen_options(listen_at).map_err(|reason| StoreError::ListenUrl { reason })?;
        let pool = PoolOptions::<Any>::new()
            .max_connections(options.pool_size)
            .acquire_timeout(options.acquire_wait)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SETTINGS).await?;
                    if takes_changes(connection).await? { Ok(()) } else { Err(read_only()) }
                })
            })
            // Instead of sqlx's own ping, and as cheap.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(still_takes_changes(connection)))
            .connect_lazy_with(connect.clone());
        pooler::refuse_lent_connections(&connect).await?;
        let opened = Self { pool, options: connect, listen_at: Box::new(listen_at) };
        opened.read().await?;
        Ok(opened)
    }

    /// A connection of its own without time limits.
    pub(crate) async fn maintenance(&self) -> Result<AnyConnection, StoreError> {
        self.options.connect().await.map_err(StoreError::unreachable)
    }

    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        let connection = self.pool.acquire().await.map_err(StoreError::unreachable)?;
        Ok(Reader::new(Conn::postgres(Link::Pooled(connection))))
    }

    /// Runs a unit, again if the server gave it up in favour of another one.
    pub(crate) async fn write<U: UnitOfWork>(&self, unit: &U) -> Result<U::Outcome, StoreError> {
        let mut runs = 1;
        loop {
            match self.run(unit).await {
                Err(error) if error.lost_to_another() && runs < MAX_RUNS => runs += 1,
                result => return result,
            }
        }
    }

    /// If this is dropped before the commit, so is the transaction.
    async fn run<U: UnitOfWork>(&self, unit: &U) -> Result<U::Outcome, StoreError> {
        let transaction = self.pool.begin().await.map_err(StoreError::unreachable)?;
        let mut conn = Conn::postgres(Link::InTransaction(transaction));
        let mut txn = Txn::new(&mut conn);
        let outcome = unit.run(&mut txn).await?;
        let announced = txn.take_announced();
        let events = txn.into_events();
        audit::insert(&mut conn, &events).await?;
        for change in announced {
            listener::announce(&mut conn, change).await?;
        }
        conn.commit().await?;
        Ok(outcome)
    }

    /// See [`Store::listen`](crate::Store::listen).
    pub(crate) async fn listen(&self, look: &Notify) -> Infallible {
        listener::run(&self.listen_at, look).await
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn takes_changes(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar::<_, i32>(TAKES_CHANGES).fetch_one(connection).await.map(|one| one == 1)
}

/// `false` or an error removes the connection from the pool, and the next one is asked.
async fn still_takes_changes(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let asked = tokio::time::timeout(CHECK_WAIT, takes_changes(connection)).await;
    let takes_changes = asked.map_err(|_| sqlx::Error::PoolTimedOut)??;
    if !takes_changes {
        tracing::warn!("a connection to PostgreSQL was given up: its node is read-only now");
    }
    Ok(takes_changes)
}

/// The pool logs this and tries again until the time for a connection is over.
fn read_only() -> sqlx::Error {
    sqlx::Error::Protocol(
        "PostgreSQL is read-only at this address (a standby?); waiting for the primary".to_owned(),
    )
}
