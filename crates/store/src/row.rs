//! Rows, and reading them column by column, with checks.

use kernel::{Hashed, Id, Timestamp};

use crate::error::StoreError;

/// A row as the database gave it. All its text is in one piece of memory.
#[derive(Debug)]
pub(crate) struct Row {
    text: String,
    cells: Vec<Cell>,
}

/// What the database has in one column of a row.
#[derive(Clone, Copy)]
pub(crate) enum Found<'d> {
    Nothing,
    Number(i64),
    Text(&'d str),
    /// What none of our columns may hold.
    Impossible,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Nothing,
    Number(i64),
    /// From here to there in the row's text.
    Text(usize, usize),
    Impossible,
}

/// A cell that is not what its column should hold.
struct Mismatch;

/// The columns of a row, taken one after the other in the order of the `SELECT`.
///
/// The first column of each table's part is its key, so that a row that cannot be can be found.
pub(crate) struct Fields<'r> {
    row: &'r Row,
    table: &'static str,
    key: usize,
    next: usize,
}

// === impl Row ===

impl Row {
    pub(crate) fn with_columns(columns: usize) -> Self {
        Self { text: String::new(), cells: Vec::with_capacity(columns) }
    }

    pub(crate) fn push(&mut self, found: Found<'_>) {
        self.cells.push(match found {
            Found::Nothing => Cell::Nothing,
            Found::Number(number) => Cell::Number(number),
            Found::Text(text) => {
                let start = self.text.len();
                self.text.push_str(text);
                Cell::Text(start, self.text.len())
            }
            Found::Impossible => Cell::Impossible,
        });
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Mismatch> {
        match self.cells.get(column) {
            Some(Cell::Nothing) => Ok(None),
            Some(&Cell::Text(start, end)) => Ok(self.text.get(start..end)),
            Some(Cell::Number(_) | Cell::Impossible) | None => Err(Mismatch),
        }
    }

    fn number(&self, column: usize) -> Result<Option<i64>, Mismatch> {
        match self.cells.get(column) {
            Some(Cell::Nothing) => Ok(None),
            Some(&Cell::Number(number)) => Ok(Some(number)),
            Some(Cell::Text(..) | Cell::Impossible) | None => Err(Mismatch),
        }
    }
}

// === impl Fields ===

impl<'r> Fields<'r> {
    pub(crate) const fn of(row: &'r Row, table: &'static str) -> Self {
        Self { row, table, key: 0, next: 0 }
    }

    /// Goes on with the columns of the next table of a join.
    pub(crate) const fn then(&mut self, table: &'static str) {
        self.table = table;
        self.key = self.next;
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.slice(column).map(str::to_owned)
    }

    pub(crate) fn optional_text(
        &mut self,
        column: &'static str,
    ) -> Result<Option<String>, StoreError> {
        let text = self.row.text(self.advance());
        text.map(|text| text.map(str::to_owned)).map_err(|_| self.impossible(column))
    }

    pub(crate) fn number(&mut self, column: &'static str) -> Result<i64, StoreError> {
        self.optional_number(column)?.ok_or_else(|| self.impossible(column))
    }

    pub(crate) fn optional_number(
        &mut self,
        column: &'static str,
    ) -> Result<Option<i64>, StoreError> {
        self.row.number(self.advance()).map_err(|_| self.impossible(column))
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
        let text = self.slice(column)?;
        read(text).ok_or_else(|| self.impossible(column))
    }

    /// The error for a row that cannot be.
    pub(crate) fn impossible(&self, column: &'static str) -> StoreError {
        let key = self.row.text(self.key).ok().flatten().unwrap_or_default();
        StoreError::Inconsistent {
            table: self.table,
            column,
            // Keys may be hashes of secrets: twelve characters find the row and give nothing away.
            row: key.chars().take(12).collect(),
        }
    }

    fn slice(&mut self, column: &'static str) -> Result<&'r str, StoreError> {
        let text = self.row.text(self.advance()).ok().flatten();
        text.ok_or_else(|| self.impossible(column))
    }

    fn advance(&mut self) -> usize {
        let column = self.next;
        self.next += 1;
        column
    }
}
