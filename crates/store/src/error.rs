//! What can go wrong with the database.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

/// Why the store could not do what was asked.
///
/// The texts say which operation and which place, never a value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, locked, full or too busy. Nothing was changed as far as is known, and
    /// the same request may be sent again: answer 503 with `Retry-After`.
    #[error("the database is not available")]
    Unavailable {
        /// What happened.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A row holds what cannot be.
    #[error("{table}.{column} of the row {row}… holds something impossible")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The first characters of the row's key: enough to find it.
        row: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema version {found}, this program knows {newest}: run the newer \
         program, or restore a backup from before the upgrade"
    )]
    SchemaTooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        newest: i64,
    },
    /// The schema is missing or old.
    #[error("the database schema is not up to date: run `wicketgate migrate`")]
    NotMigrated,
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration {
        /// Which step failed.
        source: Arc<sqlx::migrate::MigrateError>,
    },
    /// A pooler lends server connections for a transaction only.
    #[error(
        "database.url leads to a pooler that shares server connections between clients (PgBouncer \
         in transaction mode?), so queries would get each other's answers: use its session mode, or \
         connect to PostgreSQL itself"
    )]
    LentConnections,
    /// There is no connection to PostgreSQL that can be trusted as `database.url` wants it.
    #[error("database.url: {advice}")]
    Untrusted {
        /// What is wrong and what to do.
        advice: &'static str,
        /// What happened.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The URL is none that this program can use.
    #[error("database.url cannot be used: {reason}")]
    Url {
        /// What is wrong with it and what to write instead.
        reason: Cow<'static, str>,
    },
    /// The URL to listen at is none that this program can use.
    #[error("database.listen_url cannot be used: {reason}")]
    ListenUrl {
        /// What is wrong with it and what to write instead.
        reason: Cow<'static, str>,
    },
    /// The database refused a statement.
    #[error("the database refused to {operation}")]
    Query {
        /// What was tried.
        operation: &'static str,
        /// What the database said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// Reasons of our own for being unavailable.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Busy {
    #[error("too many changes are waiting to be written")]
    QueueFull,
    #[error("the change waited too long to be written")]
    WaitedTooLong,
    #[error("no connection came free in time")]
    NoConnection,
    #[error("the store was closed")]
    Closed,
    #[error("the writer stopped while it worked on the change")]
    WriterStopped,
}

impl StoreError {
    /// Whether trying the same again later can help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The database cannot be reached at all, whatever the reason it gives.
    pub(crate) fn unreachable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Arc::new(source) }
    }

    /// A statement failed: is the database in trouble, or the statement?
    pub(crate) fn query(operation: &'static str, source: sqlx::Error) -> Self {
        Self::failed(operation, is_trouble(&source), source)
    }

    /// As [`StoreError::query`], of a statement that did not go through sqlx.
    pub(crate) fn sqlite(operation: &'static str, source: rusqlite::Error) -> Self {
        let trouble =
            source.sqlite_error().is_some_and(|error| is_sqlite_trouble(error.extended_code));
        Self::failed(operation, trouble, source)
    }

    fn failed(
        operation: &'static str,
        is_trouble: bool,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        let source = Arc::new(source);
        if is_trouble { Self::Unavailable { source } } else { Self::Query { operation, source } }
    }

    /// Whether PostgreSQL gave up this transaction in favour of another one, so that the unit may
    /// run again at once: serialization failure or deadlock.
    pub(crate) fn lost_to_another(&self) -> bool {
        let Self::Unavailable { source } = self else { return false };
        let code = source.downcast_ref::<sqlx::Error>().and_then(code_of);
        code.is_some_and(|code| code == "40001" || code == "40P01")
    }
}

impl From<Busy> for StoreError {
    fn from(busy: Busy) -> Self {
        Self::Unavailable { source: Arc::new(busy) }
    }
}

fn is_trouble(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(_) => code_of(error).is_some_and(|code| is_trouble_code(&code)),
        _ => false,
    }
}

fn code_of(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

/// Whether a code means that the database is in trouble, rather than the statement.
fn is_trouble_code(code: &str) -> bool {
    if code.len() == 5 {
        // SQLSTATE classes: connection, rollback by the server, resources, operator, system; and
        // lock not available, read-only transaction (a replica that was not promoted yet).
        let class = code.get(..2).unwrap_or_default();
        return ["08", "40", "53", "57", "58"].contains(&class)
            || code == "55P03"
            || code == "25006";
    }
    code.parse().is_ok_and(is_sqlite_trouble)
}

/// The primary code is the low byte: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
fn is_sqlite_trouble(code: i32) -> bool {
    [5, 6, 7, 8, 10, 13, 14].contains(&(code & 0xFF))
}

#[cfg(test)]
mod tests {
    use super::is_trouble_code;

    /// T-STO-07: trouble of the database is told apart from a wrong statement.
    #[test]
    fn codes_of_trouble() {
        for trouble in ["5", "517", "13", "10", "778", "14", "08006", "53100", "57P01", "40P01"] {
            assert!(is_trouble_code(trouble), "{trouble}");
        }
        for statement in ["1", "19", "2067", "1555", "11", "23505", "42P01", "22P02"] {
            assert!(!is_trouble_code(statement), "{statement}");
        }
    }
}
