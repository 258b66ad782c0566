//! The schema: bringing it up to date, and telling how it stands.

use std::sync::{Arc, LazyLock};

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, SqlSafeStr as _};

use crate::conn::Conn;
use crate::error::StoreError;
use crate::query::query;
use crate::row::Fields;

/// The steps, in order. A step that was released never changes: its checksum is compared.
static STEPS: LazyLock<Migrator> = LazyLock::new(|| {
    Migrator::with_migrations(vec![
        step(1, "foundation", include_str!("../../../migrations/0001_foundation.sql")),
        step(2, "sign in", include_str!("../../../migrations/0002_sign_in.sql")),
        step(3, "abuse", include_str!("../../../migrations/0003_abuse.sql")),
        step(4, "disabled", include_str!("../../../migrations/0004_disabled.sql")),
        step(5, "keys", include_str!("../../../migrations/0005_keys.sql")),
        step(6, "tokens", include_str!("../../../migrations/0006_tokens.sql")),
        step(7, "audit", include_str!("../../../migrations/0007_audit.sql")),
        step(8, "consent", include_str!("../../../migrations/0008_consent.sql")),
    ])
});

fn step(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

/// Where sqlx keeps note of the steps.
const NOTES: &str = "_sqlx_migrations";

/// What migrating changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema version before; 0 for an empty database.
    pub from: i64,
    /// The schema version now.
    pub to: i64,
}

/// How the schema stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// It is the one that this program knows.
    Current {
        /// Its version.
        version: i64,
    },
    /// Steps are missing.
    Behind {
        /// The version in the database; 0 if it is empty.
        found: i64,
        /// The newest version that this program knows.
        newest: i64,
    },
    /// A newer program was here.
    TooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        newest: i64,
    },
}

impl SchemaState {
    /// Fails unless the schema is the one that this program knows.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotMigrated`] or [`StoreError::SchemaTooNew`].
    pub const fn require_current(self) -> Result<(), StoreError> {
        match self {
            Self::Current { .. } => Ok(()),
            Self::Behind { .. } => Err(StoreError::NotMigrated),
            Self::TooNew { found, newest } => Err(StoreError::SchemaTooNew { found, newest }),
        }
    }

    /// The version in the database.
    pub const fn version(self) -> i64 {
        match self {
            Self::Current { version } => version,
            Self::Behind { found, .. } | Self::TooNew { found, .. } => found,
        }
    }
}

/// How the schema stands.
pub(crate) async fn state(conn: &mut Conn) -> Result<SchemaState, StoreError> {
    let newest = newest();
    let found = found(conn).await?;
    Ok(match found.cmp(&newest) {
        std::cmp::Ordering::Less => SchemaState::Behind { found, newest },
        std::cmp::Ordering::Equal => SchemaState::Current { version: found },
        std::cmp::Ordering::Greater => SchemaState::TooNew { found, newest },
    })
}

/// The newest step in the database; 0 if none was ever applied.
async fn found(conn: &mut Conn) -> Result<i64, StoreError> {
    if !conn.has_table(NOTES).await? {
        return Ok(0);
    }
    let newest = query("SELECT MAX(version) FROM _sqlx_migrations");
    let row = conn.one_or_none("look at the schema", newest).await?;
    let version = row.map(|row| Fields::of(&row, NOTES).optional_number("version")).transpose()?;
    Ok(version.flatten().unwrap_or(0))
}

/// On SQLite the whole migration is one transaction that starts as a writer: a second node waits
/// for it and then finds nothing to do, and an interrupted one leaves nothing behind. Nobody else
/// writes meanwhile, so the connection beside it sees how the schema stood before.
pub(crate) async fn sqlite(
    mut connection: AnyConnection,
    beside: &mut Conn,
) -> Result<Migrated, StoreError> {
    let begin = |error| StoreError::query("begin migrating", error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(begin)?;
    let migrated = run(&mut transaction, beside).await?;
    transaction.commit().await.map_err(|error| StoreError::query("finish migrating", error))?;
    close(connection).await;
    Ok(migrated)
}

/// On PostgreSQL sqlx takes an advisory lock for the whole migration and a transaction for each
/// step. The lock belongs to the session, so closing the connection always gives it back.
pub(crate) async fn postgres(
    mut connection: AnyConnection,
    beside: &mut Conn,
) -> Result<Migrated, StoreError> {
    let migrated = run(&mut connection, beside).await;
    close(connection).await;
    migrated
}

async fn close(connection: AnyConnection) {
    // A connection that does not close is dropped, which comes to the same.
    let _ = connection.close().await;
}

async fn run(connection: &mut AnyConnection, beside: &mut Conn) -> Result<Migrated, StoreError> {
    let before = state(beside).await?;
    if let SchemaState::TooNew { found, newest } = before {
        return Err(StoreError::SchemaTooNew { found, newest });
    }
    STEPS.run_direct(None, connection, false).await.map_err(failed)?;
    Ok(Migrated { from: before.version(), to: newest() })
}

fn newest() -> i64 {
    STEPS.iter().map(|step| step.version).max().unwrap_or(0)
}

fn failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            StoreError::query("migrate", error)
        }
        MigrateError::VersionMissing(found) => StoreError::SchemaTooNew { found, newest: newest() },
        other => StoreError::Migration { source: Arc::new(other) },
    }
}
