//! `OAUTH_AUDIT`: what happened.

use std::sync::LazyLock;

use kernel::Id;
use model::{AuditEvent, AuditKind, ClientId};

use crate::query::{Query, query};
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
            conn.change("record events", chunk.iter().fold(query(sql), bind)).await?;
            rest = later;
        }
    }
    Ok(())
}

/// The numbers of rows for which there is a statement, the largest first.
const SIZES: [usize; 5] = [64, 16, 4, 2, 1];

/// A statement for each of [`SIZES`].
static INSERTS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| SIZES.map(insert_of));

/// Made of numbers only.
fn insert_of(rows: usize) -> String {
    let row = |number: usize| {
        let parameter = |column: usize| format!("${}", number * COLUMNS + column);
        format!("({})", (1..=COLUMNS).map(parameter).collect::<Vec<_>>().join(", "))
    };
    let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO OAUTH_AUDIT (at, kind, client_id, subject_id, grant_id, organization, detail) \
         VALUES {rows}"
    )
}

fn bind<'e>(insert: Query<'e>, event: &'e AuditEvent) -> Query<'e> {
    insert
        .bind(event.at.as_millis())
        .bind(event.kind.as_str())
        .bind(event.client.as_ref().map(ClientId::as_str))
        .bind(event.subject.as_ref().map(Id::as_str))
        .bind(event.grant.as_ref().map(Id::as_str))
        .bind(event.organization.as_deref())
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
