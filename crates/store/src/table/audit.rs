//! `OAUTH_AUDIT`: what happened.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Id, Timestamp};
use model::{Actor, AuditEvent, AuditKind, ClientId};

use crate::query::{Query, query};
use crate::row::Fields;
use crate::{Conn, StoreError};

const TABLE: &str = "OAUTH_AUDIT";

/// An event as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place among those of one moment. Two replicas may give the same number.
    pub id: i64,
    /// What happened.
    pub event: AuditEvent,
}

/// The latest events, the newest first.
pub async fn tail(conn: &mut Conn, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let select = query(
        "SELECT id, at, kind, client_id, subject_id, grant_id, txn_id, token_id, resource, \
         organization, actor, detail FROM OAUTH_AUDIT ORDER BY at DESC, id DESC LIMIT $1",
    )
    .bind(i64::from(limit));
    let records = take_all(conn, select).await?;
    Ok(records.into_iter().map(|record| record.event).collect())
}

/// The first records after one moment and up to another, the oldest first. Records of one moment come
/// together, so there may be a few more than `about`, and whoever goes on after the last one's moment
/// misses none. Nothing is held in between. Empty where there are no more.
pub async fn page_after(
    conn: &mut Conn,
    after: Timestamp,
    until: Timestamp,
    about: u32,
) -> Result<Vec<AuditRecord>, StoreError> {
    let select = query(
        "SELECT id, at, kind, client_id, subject_id, grant_id, txn_id, token_id, resource, \
         organization, actor, detail FROM OAUTH_AUDIT WHERE at > $1 AND at <= \
         (SELECT MAX(at) FROM (SELECT at FROM OAUTH_AUDIT \
         WHERE at > $1 AND at <= $2 ORDER BY at LIMIT $3) AS page) ORDER BY at, id",
    )
    .bind(after.as_millis())
    .bind(until.as_millis())
    .bind(i64::from(about));
    take_all(conn, select).await
}

/// As [`page_after`], backwards: the last records before a moment, the oldest first.
pub async fn page_before(
    conn: &mut Conn,
    before: Timestamp,
    since: Timestamp,
    about: u32,
) -> Result<Vec<AuditRecord>, StoreError> {
    let select = query(
        "SELECT id, at, kind, client_id, subject_id, grant_id, txn_id, token_id, resource, \
         organization, actor, detail FROM OAUTH_AUDIT WHERE at < $1 AND at >= \
         (SELECT MIN(at) FROM (SELECT at FROM OAUTH_AUDIT \
         WHERE at < $1 AND at >= $2 ORDER BY at DESC LIMIT $3) AS page) ORDER BY at, id",
    )
    .bind(before.as_millis())
    .bind(since.as_millis())
    .bind(i64::from(about));
    take_all(conn, select).await
}

async fn take_all(conn: &mut Conn, select: Query<'_>) -> Result<Vec<AuditRecord>, StoreError> {
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
        "INSERT INTO OAUTH_AUDIT (id, at, kind, client_id, subject_id, grant_id, txn_id, token_id, \
         resource, organization, actor, detail) VALUES {rows}"
    )
}

fn bind<'e>(insert: Query<'e>, event: &'e AuditEvent) -> Query<'e> {
    insert
        .bind(next_id(event))
        .bind(event.at.as_millis())
        .bind(event.kind.as_str())
        .bind(event.client.as_ref().map(ClientId::as_str))
        .bind(event.subject.as_ref().map(Id::as_str))
        .bind(event.grant.as_ref().map(Id::as_str))
        .bind(event.authorization.as_deref())
        .bind(event.token.as_deref())
        .bind(event.resource.as_deref())
        .bind(event.organization.as_deref())
        .bind(event.actor.map(Actor::as_str))
        .bind(event.detail.as_str())
}

const COLUMNS: usize = 12;

/// The last number that this process gave.
static LAST_ID: AtomicI64 = AtomicI64::new(0);

/// Numbers for each millisecond; a process that needs more runs ahead of the clock. With these they
/// stay integers that JSON can hold.
const IDS_EACH_MILLISECOND: i64 = 1_000;

/// Goes up with each record of this process, and from one start to the next as far as the clock does.
/// What a sidecar reports has a time of the sidecar's, which moves nothing here.
fn next_id(event: &AuditEvent) -> i64 {
    let by_clock = event.at.as_millis().saturating_mul(IDS_EACH_MILLISECOND);
    let floor = if event.kind.is_reported() { 0 } else { by_clock };
    let next = |last: i64| Some(last.saturating_add(1).max(floor));
    match LAST_ID.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(last) | Err(last) => last.saturating_add(1).max(floor),
    }
}

fn take(fields: &mut Fields<'_>) -> Result<AuditRecord, StoreError> {
    let id = fields.number("id")?;
    let event = take_event(fields)?;
    Ok(AuditRecord { id, event })
}

fn take_event(fields: &mut Fields<'_>) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        at: fields.moment("at")?,
        kind: fields.parsed("kind", AuditKind::parse)?,
        client: fields.optional_text("client_id")?.map(ClientId::from_text),
        subject: fields.optional_text("subject_id")?.map(Id::from_stored),
        grant: fields.optional_text("grant_id")?.map(Id::from_stored),
        authorization: fields.optional_text("txn_id")?,
        token: fields.optional_text("token_id")?,
        resource: fields.optional_text("resource")?,
        organization: fields.optional_text("organization")?,
        actor: match fields.optional_text("actor")? {
            None => None,
            Some(name) => Some(Actor::parse(&name).ok_or_else(|| fields.impossible("actor"))?),
        },
        detail: fields.text("detail")?,
    })
}
