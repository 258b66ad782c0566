//! Running one statement on a connection to SQLite.
//!
//! Nothing here waits for anybody but the file: a statement runs on the thread that calls. Each
//! connection keeps its statements prepared.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, StatementStatus, ToSql};

use crate::query::{Query, Value};
use crate::row::{Found, Row};

/// The first row of the answer, if there is one. It is found by a key.
pub(super) fn one_or_none(
    connection: &Connection,
    query: &Query<'_>,
) -> rusqlite::Result<Option<Row>> {
    let mut statement = prepared(connection, query)?;
    let mut rows = statement.raw_query();
    let first = rows.next()?.map(read).transpose()?;
    // To the end: a change is checked against the constraints when its statement ends.
    while rows.next()?.is_some() {}
    drop(rows);
    check_plan(&statement, query);
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
    let mut statement = prepared(connection, query)?;
    let met = statement.raw_execute()?;
    check_plan(&statement, query);
    Ok(u64::try_from(met).unwrap_or(u64::MAX))
}

/// In tests, notices a statement that went from row to row of a table because no index led it. What
/// a token costs must not grow with the number of tokens, so each test that runs a statement on
/// SQLite is a test of its plan.
fn check_plan(statement: &CachedStatement<'_>, query: &Query<'_>) {
    let went = |step| statement.get_status(step) > 0;
    debug_assert!(
        query.walks || !(went(StatementStatus::FullscanStep) || went(StatementStatus::AutoIndex)),
        "goes through a whole table: {}",
        query.sql
    );
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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{change, one_or_none};
    use crate::query::query;

    /// A table with an index on one of its columns.
    fn people() -> Connection {
        let connection = Connection::open_in_memory().expect("memory");
        let table = "CREATE TABLE PEOPLE (name TEXT NOT NULL PRIMARY KEY, age BIGINT);
                     INSERT INTO PEOPLE VALUES ('ada', 36), ('bob', 7), ('eve', 51)";
        connection.execute_batch(table).expect("a table");
        connection
    }

    /// A value goes where its number is, however often and in whatever order the text names it.
    #[test]
    fn parameters_are_bound_by_their_numbers() {
        let update = query("UPDATE PEOPLE SET age = $3 + $1 WHERE name = $2 AND $3 > $1");
        let update = update.bind(1).bind("ada").bind(40);
        assert_eq!(change(&people(), &update).ok(), Some(1));
        let other = query("UPDATE PEOPLE SET age = $3 + $1 WHERE name = $2 AND $3 > $1");
        assert_eq!(change(&people(), &other.bind(40).bind("ada").bind(1)).ok(), Some(0));
    }

    #[test]
    fn a_missing_value_is_an_error() {
        let update = query("UPDATE PEOPLE SET age = $2 WHERE name = $1").bind("ada");
        assert!(change(&people(), &update).is_err());
    }

    /// A6: the look-up is refused in every test, however few rows the test has.
    #[test]
    #[should_panic(expected = "goes through a whole table")]
    fn a_look_up_without_an_index_is_noticed() {
        let select = query("SELECT name FROM PEOPLE WHERE age = $1").bind(7);
        let _ = one_or_none(&people(), &select);
    }
}
