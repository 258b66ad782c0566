//! Everything that is in a database, as text.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Column as _, Row as _, ValueRef as _};

use crate::database::Engine;

/// The rows of every table of ours, sorted, each as `column=value` pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump(BTreeMap<String, Vec<String>>);

impl Dump {
    pub(crate) async fn read(connection: &mut AnyConnection, engine: Engine) -> Self {
        let catalogue = match engine {
            Engine::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'OAUTH%'"
            }
            Engine::Postgres => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_name LIKE 'oauth%'"
            }
        };
        let rows = sqlx::query(catalogue).fetch_all(&mut *connection).await;
        let mut tables = BTreeMap::new();
        for row in rows.expect("the catalogue") {
            let table: String = row.get(0);
            let sql = sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"));
            let rows = sqlx::query(sql).fetch_all(&mut *connection).await;
            let mut lines: Vec<String> = rows.expect("the rows").iter().map(line).collect();
            lines.sort_unstable();
            tables.insert(table.to_uppercase(), lines);
        }
        assert!(!tables.is_empty(), "no tables at all");
        Self(tables)
    }

    /// How many rows a table has.
    #[track_caller]
    pub fn count(&self, table: &str) -> usize {
        self.rows(table).len()
    }

    /// How many refresh tokens are nobody's parent: those that still have a future.
    #[track_caller]
    pub fn live_leaves(&self) -> usize {
        let parents = self.values("OAUTH_REFRESH_TOKEN", "parent_hash");
        let tokens = self.values("OAUTH_REFRESH_TOKEN", "token_hash");
        tokens.iter().filter(|token| !parents.contains(token)).count()
    }

    /// The rows of a table.
    #[track_caller]
    pub fn rows(&self, table: &str) -> &[String] {
        match self.0.get(table) {
            Some(rows) => rows,
            None => panic!("no table {table}"),
        }
    }

    /// How many rows of a table contain this text.
    #[track_caller]
    pub fn count_with(&self, table: &str, text: &str) -> usize {
        let rows = self.rows(table);
        rows.iter().filter(|row| row.contains(text)).count()
    }

    /// The values of a column, which must not contain spaces.
    #[track_caller]
    pub fn values(&self, table: &str, column: &str) -> Vec<&str> {
        let prefix = format!("{column}=");
        let pairs = self.rows(table).iter().flat_map(|row| row.split(' '));
        pairs.filter_map(|pair| pair.strip_prefix(prefix.as_str())).collect()
    }

    /// Whether this text is anywhere.
    pub fn contains(&self, text: &str) -> bool {
        self.0.values().flatten().any(|row| row.contains(text))
    }

    /// Checks that a later look finds the same.
    #[track_caller]
    pub fn equals(&self, later: &Self) {
        self.equals_but(later, &[]);
    }

    /// Checks that a later look finds the same in all tables but these.
    #[track_caller]
    pub fn equals_but(&self, later: &Self, but: &[&str]) {
        for (table, rows) in self.0.iter().filter(|(table, _)| !but.contains(&table.as_str())) {
            let (rows, later) = (lasting(rows), lasting(later.rows(table)));
            assert_eq!(rows, later, "{table} was changed");
        }
    }
}

/// What a sidecar saw is recorded behind its requests' backs, so it may come at any time.
fn lasting(rows: &[String]) -> Vec<&String> {
    rows.iter().filter(|row| !row.contains(" kind=mcp.")).collect()
}

fn line(row: &AnyRow) -> String {
    let pairs = row.columns().iter().enumerate().map(|(index, column)| {
        let null = row.try_get_raw(index).is_ok_and(|value| value.is_null());
        let value = if null {
            "NULL".to_owned()
        } else if let Ok(number) = row.try_get::<i64, _>(index) {
            number.to_string()
        } else {
            row.get::<String, _>(index)
        };
        format!("{}={value}", column.name().to_lowercase())
    });
    pairs.collect::<Vec<_>>().join(" ")
}
