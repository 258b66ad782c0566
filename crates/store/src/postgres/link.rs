//! A connection to PostgreSQL, and whose it is.

use sqlx::any::Any;
use sqlx::pool::PoolConnection;
use sqlx::{AnyConnection, Transaction};

use super::statement;
use crate::error::StoreError;
use crate::query::Query;
use crate::row::Row;

/// A connection that reads, or the transaction of a unit of work.
pub(crate) enum Link {
    /// Goes back to the pool when it is dropped.
    Pooled(PoolConnection<Any>),
    /// Is undone when it is dropped without a commit.
    InTransaction(Transaction<'static, Any>),
}

impl Link {
    pub(crate) async fn one_or_none(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let row = statement::one_or_none(self.connection(), query).await;
        row.map_err(|error| StoreError::query(operation, error))
    }

    pub(crate) async fn all(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = statement::all(self.connection(), query).await;
        rows.map_err(|error| StoreError::query(operation, error))
    }

    pub(crate) async fn change(
        &mut self,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<u64, StoreError> {
        let met = statement::change(self.connection(), query).await;
        met.map_err(|error| StoreError::query(operation, error))
    }

    /// Commits, if this is a transaction.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::InTransaction(transaction) => {
                transaction.commit().await.map_err(|error| StoreError::query("commit", error))
            }
            Self::Pooled(_) => Ok(()),
        }
    }

    fn connection(&mut self) -> &mut AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::InTransaction(transaction) => transaction,
        }
    }
}
