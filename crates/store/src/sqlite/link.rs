//! A connection to SQLite, and whose it is.

use rusqlite::Connection;

use super::readers::Lent;
use super::statement;
use crate::error::StoreError;
use crate::query::Query;
use crate::row::Row;

/// The writer's own connection, or one that was lent for reading.
pub(crate) enum Link {
    /// On the writer's thread, where a statement holds up nothing but other units.
    Writer(Connection),
    /// On whichever thread asks.
    Lent(Lent),
}

impl Link {
    pub(crate) async fn one_or_none(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Writer(connection) => statement::one_or_none(connection, &query)
                .map_err(|error| StoreError::sqlite(operation, error)),
            Self::Lent(lent) => lent.one_or_none(operation, query).await,
        }
    }

    pub(crate) async fn all(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Writer(connection) => statement::all(connection, &query)
                .map_err(|error| StoreError::sqlite(operation, error)),
            Self::Lent(lent) => lent.all(operation, query).await,
        }
    }

    /// A reader's connection refuses it.
    pub(crate) fn change(
        &mut self,
        operation: &'static str,
        query: &Query<'_>,
    ) -> Result<u64, StoreError> {
        let connection = match self {
            Self::Writer(connection) => connection,
            Self::Lent(lent) => lent.connection()?,
        };
        statement::change(connection, query).map_err(|error| StoreError::sqlite(operation, error))
    }
}
