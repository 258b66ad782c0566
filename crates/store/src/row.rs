//! Reading rows column by column, with checks.

use kernel::{Hashed, Id, Timestamp};
use sqlx::any::{Any, AnyRow};
use sqlx::{Decode, Row as _, Type};

use crate::error::StoreError;

/// The columns of a row, taken one after the other in the order of the `SELECT`.
///
/// The first column of each table's part is its key, so that a row that cannot be can be found.
pub(crate) struct Fields<'r> {
    row: &'r AnyRow,
    table: &'static str,
    key: usize,
    next: usize,
}

impl<'r> Fields<'r> {
    pub(crate) const fn of(row: &'r AnyRow, table: &'static str) -> Self {
        Self { row, table, key: 0, next: 0 }
    }

    /// Goes on with the columns of the next table of a join.
    pub(crate) const fn then(&mut self, table: &'static str) {
        self.table = table;
        self.key = self.next;
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.take(column)
    }

    pub(crate) fn optional_text(
        &mut self,
        column: &'static str,
    ) -> Result<Option<String>, StoreError> {
        self.take(column)
    }

    pub(crate) fn number(&mut self, column: &'static str) -> Result<i64, StoreError> {
        self.take(column)
    }

    pub(crate) fn optional_number(
        &mut self,
        column: &'static str,
    ) -> Result<Option<i64>, StoreError> {
        self.take(column)
    }

    pub(crate) fn moment(&mut self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.number(column).map(Timestamp::from_millis)
    }

    pub(crate) fn optional_moment(
        &mut self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_number(column)?.map(Timestamp::from_millis))
    }

    pub(crate) fn id<K>(&mut self, column: &'static str) -> Result<Id<K>, StoreError> {
        self.text(column).map(Id::from_stored)
    }

    pub(crate) fn hash<P>(&mut self, column: &'static str) -> Result<Hashed<P>, StoreError> {
        self.text(column).map(Hashed::from_stored)
    }

    /// A text that must have a certain form.
    pub(crate) fn parsed<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        read(&text).ok_or_else(|| self.impossible(column))
    }

    /// The error for a row that cannot be.
    pub(crate) fn impossible(&self, column: &'static str) -> StoreError {
        let key: String = self.row.try_get(self.key).unwrap_or_default();
        StoreError::Inconsistent {
            table: self.table,
            column,
            // Keys may be hashes of secrets: twelve characters find the row and give nothing away.
            row: key.chars().take(12).collect(),
        }
    }

    fn take<T>(&mut self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Any> + Type<Any>,
    {
        let value = self.row.try_get(self.next).map_err(|_| self.impossible(column));
        self.next += 1;
        value
    }
}
