//! The store: one face for both databases.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::conn::{Reader, UnitOfWork};
use crate::error::StoreError;
use crate::migrate::{self, Migrated, SchemaState};
use crate::options::{StoreOptions, Target};
use crate::postgres::Postgres;
use crate::query::query;
use crate::sqlite::Sqlite;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Database>);

enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database. A SQLite file and its directory are made if they are missing, for the
    /// current user only. The schema is left as it is: see [`Store::migrate`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Url`] for a URL that cannot be used, [`StoreError::Unavailable`] if the
    /// database does not answer.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let database =
            match options.target().map_err(|reason| StoreError::Url { reason: reason.into() })? {
                Target::Sqlite(path) => Database::Sqlite(Sqlite::open(&path, &options).await?),
                Target::Postgres => Database::Postgres(Postgres::open(&options).await?),
            };
        Ok(Self(Arc::new(database)))
    }

    /// Brings the schema up to date. Safe to run twice and on several nodes at once; interrupted,
    /// it leaves whole steps behind.
    ///
    /// # Errors
    ///
    /// [`StoreError::SchemaTooNew`] if a newer program was here (T-STO-10).
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        let mut beside = self.read().await?;
        let beside = beside.conn();
        match &*self.0 {
            Database::Sqlite(sqlite) => migrate::sqlite(sqlite.maintenance().await?, beside).await,
            Database::Postgres(postgres) => {
                migrate::postgres(postgres.maintenance().await?, beside).await
            }
        }
    }

    /// How the schema stands, without changing it.
    ///
    /// # Errors
    ///
    /// Only for a database that cannot be read; an old or new schema is a [`SchemaState`].
    pub async fn schema(&self) -> Result<SchemaState, StoreError> {
        migrate::state(self.read().await?.conn()).await
    }

    /// Fails unless the schema is exactly the one that this program knows.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotMigrated`] or [`StoreError::SchemaTooNew`].
    pub async fn require_current_schema(&self) -> Result<(), StoreError> {
        self.schema().await?.require_current()
    }

    /// Runs a unit of work and returns its outcome after it is durable.
    ///
    /// # Errors
    ///
    /// If the unit fails, it has changed nothing. [`StoreError::Unavailable`] also means that it
    /// waited too long; then it was taken back or, in rare cases, its answer was lost.
    pub async fn write<U: UnitOfWork>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        match &*self.0 {
            Database::Sqlite(sqlite) => sqlite.write(unit).await,
            Database::Postgres(postgres) => postgres.write(&unit).await,
        }
    }

    /// A connection to read with.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if none comes free in time (T-STO-08).
    pub async fn read(&self) -> Result<Reader, StoreError> {
        match &*self.0 {
            Database::Sqlite(sqlite) => sqlite.read().await,
            Database::Postgres(postgres) => postgres.read().await,
        }
    }

    /// Says each time when another process may have changed what [`revision`](crate::revision) counts,
    /// and when this could not be known for a while. Runs until it is dropped, on a connection of its
    /// own, and says nothing on SQLite. Something may still get lost on the way, so whoever waits for
    /// `look` also looks now and then by itself.
    pub async fn listen(&self, look: &Notify) -> Infallible {
        match &*self.0 {
            Database::Sqlite(_) => std::future::pending().await,
            Database::Postgres(postgres) => postgres.listen(look).await,
        }
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it is not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let one = query("SELECT 1");
        self.read().await?.conn().one_or_none("ask for a sign of life", one).await.map(drop)
    }

    /// Finishes what is being written and closes every connection.
    pub async fn close(&self) {
        match &*self.0 {
            Database::Sqlite(sqlite) => sqlite.close().await,
            Database::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &*self.0 {
            Database::Sqlite(_) => "Store(SQLite)",
            Database::Postgres(_) => "Store(PostgreSQL)",
        })
    }
}
