//! `OAUTH_GRANT`: what people granted.

use model::{ClientId, Grant, GrantId, RevocationReason, SubjectId};
use protocol::{ResourceUri, Scopes};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError, Txn};

pub(crate) const TABLE: &str = "OAUTH_GRANT";

/// The grant with this id, revoked or not.
pub async fn find(conn: &mut Conn, id: &GrantId) -> Result<Option<Grant>, StoreError> {
    let select = query(
        "SELECT grant_id, subject_id, organization, client_id, client_name, redirect_host, \
         resource, scopes, status_index, authenticated_at, created_at, revoked_at, revocation_reason \
         FROM OAUTH_GRANT WHERE grant_id = $1",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find a grant", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// The live grants of a person, the newest first, each with the organization that it was made for.
pub async fn of_subject(conn: &mut Conn, subject: &SubjectId) -> Result<Vec<Grant>, StoreError> {
    let select = query(
        "SELECT grant_id, subject_id, organization, client_id, client_name, redirect_host, \
         resource, scopes, status_index, authenticated_at, created_at, revoked_at, \
         revocation_reason FROM OAUTH_GRANT WHERE subject_id = $1 AND revoked_at IS NULL \
         ORDER BY created_at DESC, status_index DESC",
    )
    .bind(subject.as_str());
    let rows = conn.all("list a person's grants", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// What a person granted a client on a resource and has not taken back, acting for this organization or
/// for none.
pub async fn held(
    conn: &mut Conn,
    subject: &SubjectId,
    client: &ClientId,
    resource: &ResourceUri,
    organization: Option<&str>,
) -> Result<Scopes, StoreError> {
    let select = query(
        "SELECT scopes FROM OAUTH_GRANT WHERE subject_id = $1 AND revoked_at IS NULL \
         AND client_id = $2 AND resource = $3 AND COALESCE(organization, '') = $4",
    )
    .bind(subject.as_str())
    .bind(client.as_str())
    .bind(resource.as_str())
    .bind(organization.unwrap_or_default());
    let rows = conn.all("list what a client holds", select).await?;
    let scopes =
        |row| Fields::of(row, TABLE).parsed("scopes", |text| Scopes::parse_known(text).ok());
    rows.iter().try_fold(Scopes::NONE, |held, row| Ok(held.or(scopes(row)?)))
}

/// Live grants, the newest first: of this person, to this client, or of and to anybody.
pub async fn live(
    conn: &mut Conn,
    subject: Option<&SubjectId>,
    client: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<Grant>, StoreError> {
    let select = query(
        "SELECT grant_id, subject_id, organization, client_id, client_name, redirect_host, \
         resource, scopes, status_index, authenticated_at, created_at, revoked_at, \
         revocation_reason FROM OAUTH_GRANT WHERE revoked_at IS NULL \
         AND ($1 = '' OR subject_id = $1) AND ($2 = '' OR client_id = $2) \
         ORDER BY status_index DESC LIMIT $3",
    )
    .bind(subject.map_or("", |id| id.as_str()))
    .bind(client.map_or("", ClientId::as_str))
    .bind(i64::from(limit))
    .walking();
    let rows = conn.all("list grants", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// The ids of all live grants of a person, for whichever organization.
pub(crate) async fn live_ids(
    conn: &mut Conn,
    subject: &SubjectId,
) -> Result<Vec<GrantId>, StoreError> {
    let select =
        query("SELECT grant_id FROM OAUTH_GRANT WHERE subject_id = $1 AND revoked_at IS NULL")
            .bind(subject.as_str());
    let rows = conn.all("list a person's grants", select).await?;
    rows.iter().map(|row| Fields::of(row, TABLE).id("grant_id")).collect()
}

/// The status indices of revoked grants from `from_index` up to but not including `to_index`, in
/// order.
pub async fn revoked_between(
    conn: &mut Conn,
    from_index: u64,
    to_index: u64,
) -> Result<Vec<u64>, StoreError> {
    let bound = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
    let select = query(
        "SELECT status_index FROM OAUTH_GRANT \
         WHERE revoked_at IS NOT NULL AND status_index >= $1 AND status_index < $2 \
         ORDER BY status_index",
    )
    .bind(bound(from_index))
    .bind(bound(to_index));
    let rows = conn.all("list revoked grants", select).await?;
    rows.iter().map(|row| take_status_index(&mut Fields::of(row, TABLE))).collect()
}

/// The status indices of the live grants of a provider's people, from `from_index` up to but not
/// including `to_index`, in order.
pub async fn live_of_provider_between(
    conn: &mut Conn,
    provider: &str,
    from_index: u64,
    to_index: u64,
) -> Result<Vec<u64>, StoreError> {
    let bound = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
    let select = query(
        "SELECT g.status_index FROM OAUTH_SUBJECT s JOIN OAUTH_GRANT g \
         ON g.subject_id = s.subject_id WHERE s.provider = $1 AND g.revoked_at IS NULL \
         AND g.status_index >= $2 AND g.status_index < $3 ORDER BY g.status_index",
    )
    .bind(provider.to_owned())
    .bind(bound(from_index))
    .bind(bound(to_index));
    let rows = conn.all("list a provider's grants", select).await?;
    rows.iter().map(|row| take_status_index(&mut Fields::of(row, TABLE))).collect()
}

/// The live grants of machines, with status indices from `from_index` up to but not including
/// `to_index`.
pub async fn of_machines_between(
    conn: &mut Conn,
    from_index: u64,
    to_index: u64,
) -> Result<Vec<Grant>, StoreError> {
    let bound = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
    let select = query(
        "SELECT grant_id, subject_id, organization, client_id, client_name, redirect_host, \
         resource, scopes, status_index, authenticated_at, created_at, revoked_at, \
         revocation_reason FROM OAUTH_GRANT \
         WHERE subject_id = client_id AND revoked_at IS NULL \
         AND status_index >= $1 AND status_index < $2",
    )
    .bind(bound(from_index))
    .bind(bound(to_index));
    let rows = conn.all("list the grants of machines", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// The live grant of a machine on a resource.
pub(crate) async fn of_machine(
    conn: &mut Conn,
    client: &ClientId,
    resource: &ResourceUri,
) -> Result<Option<Grant>, StoreError> {
    let select = query(
        "SELECT grant_id, subject_id, organization, client_id, client_name, redirect_host, \
         resource, scopes, status_index, authenticated_at, created_at, revoked_at, \
         revocation_reason FROM OAUTH_GRANT \
         WHERE subject_id = client_id AND client_id = $1 AND resource = $2 AND revoked_at IS NULL",
    )
    .bind(client.as_str())
    .bind(resource.as_str());
    let row = conn.one_or_none("find the grant of a machine", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// Writes a new grant.
pub(crate) async fn insert(txn: &mut Txn<'_>, grant: &Grant) -> Result<(), StoreError> {
    let insert = query(
        "INSERT INTO OAUTH_GRANT (grant_id, subject_id, organization, client_id, client_name, \
         redirect_host, resource, scopes, status_index, authenticated_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(grant.id.as_str())
    .bind(grant.subject.as_str())
    .bind(grant.organization.clone())
    .bind(grant.client.as_str())
    .bind(grant.client_name.as_str())
    .bind(grant.redirect_host.as_str())
    .bind(grant.resource.as_str())
    .bind(grant.scopes.to_string())
    .bind(i64::try_from(grant.status_index).unwrap_or(i64::MAX))
    .bind(grant.authenticated_at.as_millis())
    .bind(grant.created_at.as_millis());
    txn.change("make a grant", insert).await.map(drop)
}

pub(crate) fn take(fields: &mut Fields<'_>) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: fields.id("grant_id")?,
        subject: fields.id("subject_id")?,
        organization: fields.optional_text("organization")?,
        client: ClientId::from_text(fields.text("client_id")?),
        client_name: fields.text("client_name")?,
        redirect_host: fields.text("redirect_host")?,
        resource: fields.parsed("resource", |text| ResourceUri::parse(text).ok())?,
        scopes: fields.parsed("scopes", |text| Scopes::parse_known(text).ok())?,
        status_index: take_status_index(fields)?,
        authenticated_at: fields.moment("authenticated_at")?,
        created_at: fields.moment("created_at")?,
        revoked: match (
            fields.optional_moment("revoked_at")?,
            fields.optional_text("revocation_reason")?,
        ) {
            (None, None) => None,
            (Some(at), Some(reason)) => Some((
                at,
                RevocationReason::parse(&reason)
                    .ok_or_else(|| fields.impossible("revocation_reason"))?,
            )),
            _ => return Err(fields.impossible("revoked_at")),
        },
    })
}

fn take_status_index(fields: &mut Fields<'_>) -> Result<u64, StoreError> {
    let index = fields.number("status_index")?;
    u64::try_from(index).map_err(|_| fields.impossible("status_index"))
}
