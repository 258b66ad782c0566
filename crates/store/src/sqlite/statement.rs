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
    let expected = statement.parameter_count();
    let mut seen = Seen::default();
    for number in numbers(query.sql) {
        if !seen.is_new(number) {
            continue;
        }
        let value = number.checked_sub(1).and_then(|place| query.values.get(place));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(number, expected))?;
        statement.raw_bind_parameter(seen.count, value)?;
    }
    if seen.count != expected {
        return Err(rusqlite::Error::InvalidParameterCount(seen.count, expected));
    }
    Ok(statement)
}

/// The numbers of the parameters in the order of the text. To SQLite `$4` is a name, and it numbers
/// parameters in the order in which it meets their names for the first time.
fn numbers(sql: &str) -> impl Iterator<Item = usize> {
    sql.split('$').skip(1).map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit);
        digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
    })
}

/// The parameters that were met before. Nearly always each is the next one.
#[derive(Default)]
struct Seen {
    count: usize,
    up_to: usize,
    beyond: Vec<usize>,
}

impl Seen {
    fn is_new(&mut self, number: usize) -> bool {
        if number <= self.up_to || self.beyond.contains(&number) {
            return false;
        }
        self.count += 1;
        if number == self.up_to + 1 {
            self.up_to = number;
        } else {
            self.beyond.push(number);
        }
        true
    }
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
