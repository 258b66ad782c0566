//! Running one statement on a connection of sqlx.

use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::{AnyConnection, Row as _};

use crate::query::{Query, Value};
use crate::row::{Found, Row};

/// The first row of the answer, if there is one.
pub(super) async fn one_or_none(
    connection: &mut AnyConnection,
    query: Query<'_>,
) -> Result<Option<Row>, sqlx::Error> {
    let row = prepared(query).fetch_optional(connection).await?;
    Ok(row.as_ref().map(read))
}

/// All rows of the answer.
pub(super) async fn all(
    connection: &mut AnyConnection,
    query: Query<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    Ok(prepared(query).fetch_all(connection).await?.iter().map(read).collect())
}

/// Makes a change and says how many rows it met.
pub(super) async fn change(
    connection: &mut AnyConnection,
    query: Query<'_>,
) -> Result<u64, sqlx::Error> {
    Ok(prepared(query).execute(connection).await?.rows_affected())
}

fn prepared(query: Query<'_>) -> sqlx::query::Query<'static, Any, AnyArguments> {
    query.values.into_iter().fold(sqlx::query(query.sql), |statement, value| match value {
        Value::Text(text) => statement.bind(text.into_owned()),
        Value::Number(number) => statement.bind(number),
        Value::NoText => statement.bind(None::<String>),
        Value::NoNumber => statement.bind(None::<i64>),
    })
}

fn read(row: &AnyRow) -> Row {
    let mut read = Row::with_columns(row.len());
    for column in 0..row.len() {
        read.push(match row.try_get::<Option<&str>, _>(column) {
            Ok(Some(text)) => Found::Text(text),
            Ok(None) => Found::Nothing,
            Err(_) => row.try_get(column).map_or(Found::Impossible, Found::Number),
        });
    }
    read
}
