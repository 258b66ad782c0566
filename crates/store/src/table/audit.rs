//! `OAUTH_AUDIT`: what happened.

use kernel::Id;
use model::{AuditEvent, AuditKind, ClientId};
use sqlx::query;

use crate::row::Fields;
use crate::{Conn, StoreError, Txn};

const TABLE: &str = "OAUTH_AUDIT";

/// The latest events, the newest first.
pub async fn tail(conn: &mut Conn, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let select = query(
        "SELECT kind, at, client_id, subject_id, grant_id, detail FROM OAUTH_AUDIT \
         ORDER BY at DESC LIMIT $1",
    )
    .bind(i64::from(limit));
    let rows = conn.all("read the audit log", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// Records an event in the unit that it is about (LG-4).
pub(crate) async fn record(txn: &mut Txn<'_>, event: &AuditEvent) -> Result<(), StoreError> {
    let insert = query(
        "INSERT INTO OAUTH_AUDIT (at, kind, client_id, subject_id, grant_id, detail) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(event.at.as_millis())
    .bind(event.kind.as_str())
    .bind(event.client.as_ref().map(|client| client.as_str().to_owned()))
    .bind(event.subject.as_ref().map(|subject| subject.as_str().to_owned()))
    .bind(event.grant.as_ref().map(|grant| grant.as_str().to_owned()))
    .bind(event.detail.as_str());
    txn.change("record an event", insert).await.map(drop)
}

fn take(fields: &mut Fields<'_>) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        kind: fields.parsed("kind", AuditKind::parse)?,
        at: fields.moment("at")?,
        client: fields.optional_text("client_id")?.map(ClientId::from_text),
        subject: fields.optional_text("subject_id")?.map(Id::from_stored),
        grant: fields.optional_text("grant_id")?.map(Id::from_stored),
        detail: fields.text("detail")?,
    })
}
