//! Running one statement on a connection to SQLite.
//!
//! Nothing here waits for anybody but the file: a statement runs on the thread that calls. Each
//! connection keeps its statements prepared.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use crate::query::{Query, Value};
use crate::row::{Found, Row};

/// The first row of the answer, if there is one.
pub(super) fn one_or_none(
    connection: &Connection,
    query: &Query<'_>,
) -> rusqlite::Result<Option<Row>> {
    let mut statement = prepared(connection, query)?;
    let mut rows = statement.raw_query();
    let first = rows.next()?.map(read).transpose()?;
    // To the end: a change is checked against the constraints when its statement ends.
    while rows.next()?.is_some() {}
    Ok(first)
}

/// All rows of the answer.
pub(super) fn all(connection: &Connection, query: &Query<'_>) -> rusqlite::Result<Vec<Row>> {
    let mut statement = prepared(connection, query)?;
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Makes a change and says how many rows it met.
pub(super) fn change(connection: &Connection, query: &Query<'_>) -> rusqlite::Result<u64> {
    let met = prepared(connection, query)?.raw_execute()?;
    Ok(u64::try_from(met).unwrap_or(u64::MAX))
}

fn prepared<'c>(
    connection: &'c Connection,
    query: &Query<'_>,
) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(query.sql)?;
    // To SQLite `$4` is a name. It numbers parameters in the order in which it meets their names.
    for index in 1..=statement.parameter_count() {
        let value = statement.parameter_name(index).and_then(|name| value_of(name, query));
        let value =
            value.ok_or(rusqlite::Error::InvalidParameterCount(index, query.values.len()))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(statement)
}

fn value_of<'q>(name: &str, query: &'q Query<'_>) -> Option<&'q Value<'q>> {
    let number: usize = name.strip_prefix('$')?.parse().ok()?;
    query.values.get(number.checked_sub(1)?)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Number(number) => ValueRef::Integer(*number),
            Self::NoText | Self::NoNumber => ValueRef::Null,
        }))
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let columns = row.as_ref().column_count();
    let mut read = Row::with_columns(columns);
    for column in 0..columns {
        read.push(match row.get_ref(column)? {
            ValueRef::Null => Found::Nothing,
            ValueRef::Integer(number) => Found::Number(number),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map_or(Found::Impossible, Found::Text)
            }
            ValueRef::Real(_) | ValueRef::Blob(_) => Found::Impossible,
        });
    }
    Ok(read)
}
