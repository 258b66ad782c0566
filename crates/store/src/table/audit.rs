//! `OAUTH_AUDIT`: what happened.

use std::sync::LazyLock;

use kernel::Id;
use model::{AuditEvent, AuditKind, ClientId};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr, query};

use crate::conn::Query;
use crate::row::Fields;
use crate::{Conn, StoreError};

const TABLE: &str = "OAUTH_AUDIT";

/// The latest events, the newest first.
pub async fn tail(conn: &mut Conn, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let select = query(
        "SELECT kind, at, client_id, subject_id, grant_id, organization, detail \
         FROM OAUTH_AUDIT ORDER BY at DESC LIMIT $1",
    )
    .bind(i64::from(limit));
    let rows = conn.all("read the audit log", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// Writes events into the transaction that they are about, several with one statement.
pub(crate) async fn insert(conn: &mut Conn, events: &[AuditEvent]) -> Result<(), StoreError> {
    let mut rest = events;
    for (size, sql) in SIZES.into_iter().zip(&*INSERTS) {
        while rest.len() >= size {
            let (chunk, later) = rest.split_at(size);
            conn.change("record events", chunk.iter().fold(query(sql.clone()), bind)).await?;
            rest = later;
        }
    }
    Ok(())
}

/// The numbers of rows for which there is a statement, the largest first.
const SIZES: [usize; 4] = [16, 4, 2, 1];

/// A statement for each of [`SIZES`].
static INSERTS: LazyLock<[SqlStr; SIZES.len()]> = LazyLock::new(|| SIZES.map(insert_of));

/// Made of numbers only.
fn insert_of(rows: usize) -> SqlStr {
    let row = |number: usize| {
        let parameter = |column: usize| format!("${}", number * COLUMNS + column);
        format!("({})", (1..=COLUMNS).map(parameter).collect::<Vec<_>>().join(", "))
    };
    let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
    AssertSqlSafe(format!(
        "INSERT INTO OAUTH_AUDIT (at, kind, client_id, subject_id, grant_id, organization, detail) \
         VALUES {rows}"
    ))
    .into_sql_str()
}

fn bind(insert: Query, event: &AuditEvent) -> Query {
    insert
        .bind(event.at.as_millis())
        .bind(event.kind.as_str())
        .bind(event.client.as_ref().map(|client| client.as_str().to_owned()))
        .bind(event.subject.as_ref().map(|subject| subject.as_str().to_owned()))
        .bind(event.grant.as_ref().map(|grant| grant.as_str().to_owned()))
        .bind(event.organization.clone())
        .bind(event.detail.as_str())
}

const COLUMNS: usize = 7;

fn take(fields: &mut Fields<'_>) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        kind: fields.parsed("kind", AuditKind::parse)?,
        at: fields.moment("at")?,
        client: fields.optional_text("client_id")?.map(ClientId::from_text),
        subject: fields.optional_text("subject_id")?.map(Id::from_stored),
        grant: fields.optional_text("grant_id")?.map(Id::from_stored),
        organization: fields.optional_text("organization")?,
        detail: fields.text("detail")?,
    })
}
