//! `OAUTH_CONSENT`: what people allowed before.

use model::{ClientId, ConsentKey, RememberedConsent, SubjectId};
use protocol::redirect_uri::RedirectKind;
use protocol::{RedirectUri, ResourceUri, Scopes};

use crate::query::{Query, query};
use crate::row::Fields;
use crate::{Conn, StoreError, Txn};

const TABLE: &str = "OAUTH_CONSENT";

/// What the person allowed before and has not taken back: the last grant of a client on a resource takes
/// its consent with it.
pub async fn find(
    conn: &mut Conn,
    key: &ConsentKey,
) -> Result<Option<RememberedConsent>, StoreError> {
    let select = about(
        query(
            "SELECT scopes, consented_at FROM OAUTH_CONSENT WHERE subject_id = $1 \
             AND client_id = $2 AND redirect_uri = $3 AND resource = $4 AND metadata_hash = $5 \
             AND COALESCE(organization, '') = $6 AND EXISTS (SELECT 1 FROM OAUTH_GRANT g \
             WHERE g.subject_id = $1 AND g.client_id = $2 AND g.resource = $4 \
             AND COALESCE(g.organization, '') = $6 AND g.revoked_at IS NULL)",
        ),
        key,
    );
    let row = conn.one_or_none("find a consent", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// Holds a remembered consent, so that nobody takes it back before the unit is done; `false` if it
/// is not what was read any more.
pub(crate) async fn hold(
    txn: &mut Txn<'_>,
    key: &ConsentKey,
    remembered: &RememberedConsent,
) -> Result<bool, StoreError> {
    let update = about(
        query(
            "UPDATE OAUTH_CONSENT SET consented_at = consented_at WHERE subject_id = $1 \
             AND client_id = $2 AND redirect_uri = $3 AND resource = $4 AND metadata_hash = $5 \
             AND COALESCE(organization, '') = $6 AND scopes = $7 AND consented_at = $8 \
             AND EXISTS (SELECT 1 FROM OAUTH_GRANT g \
             WHERE g.subject_id = $1 AND g.client_id = $2 AND g.resource = $4 \
             AND COALESCE(g.organization, '') = $6 AND g.revoked_at IS NULL)",
        ),
        key,
    )
    .bind(remembered.scopes.to_string())
    .bind(remembered.consented_at.as_millis());
    Ok(txn.change("hold a consent", update).await? == 1)
}

/// Remembers what the person has just allowed, in place of what was allowed before.
pub(crate) async fn remember(
    txn: &mut Txn<'_>,
    key: &ConsentKey,
    consent: &RememberedConsent,
) -> Result<(), StoreError> {
    let upsert = query(
        "INSERT INTO OAUTH_CONSENT (subject_id, client_id, redirect_uri, resource, metadata_hash, \
         organization, scopes, consented_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (subject_id, client_id, redirect_uri, resource) DO UPDATE \
         SET scopes = excluded.scopes, consented_at = excluded.consented_at, \
         metadata_hash = excluded.metadata_hash, organization = excluded.organization",
    )
    .bind(key.subject.as_str())
    .bind(key.client.as_str())
    .bind(without_port(&key.redirect_uri))
    .bind(key.resource.as_str())
    .bind(key.client_metadata.as_str())
    .bind(key.organization.clone())
    .bind(consent.scopes.to_string())
    .bind(consent.consented_at.as_millis());
    txn.change("remember a consent", upsert).await.map(drop)
}

/// Forgets what a person allowed a client on a resource: one of its grants ended, or it was refused.
pub(crate) async fn forget(
    txn: &mut Txn<'_>,
    subject: &SubjectId,
    client: &ClientId,
    resource: &ResourceUri,
) -> Result<(), StoreError> {
    let delete = query(
        "DELETE FROM OAUTH_CONSENT WHERE subject_id = $1 AND client_id = $2 AND resource = $3",
    )
    .bind(subject.as_str())
    .bind(client.as_str())
    .bind(resource.as_str());
    txn.change("forget a consent", delete).await.map(drop)
}

fn about<'k>(statement: Query<'k>, key: &'k ConsentKey) -> Query<'k> {
    statement
        .bind(key.subject.as_str())
        .bind(key.client.as_str())
        .bind(without_port(&key.redirect_uri))
        .bind(key.resource.as_str())
        .bind(key.client_metadata.as_str())
        .bind(key.organization.as_deref().unwrap_or_default())
}

/// The port of a loopback redirect differs every time and does not count (RFC 8252 §7.3).
fn without_port(uri: &RedirectUri) -> String {
    match uri.kind() {
        RedirectKind::Loopback { host, rest } => format!("http://{host}{rest}"),
        RedirectKind::Web { .. } | RedirectKind::PrivateUse { .. } => uri.as_str().to_owned(),
    }
}

fn take(fields: &mut Fields<'_>) -> Result<RememberedConsent, StoreError> {
    Ok(RememberedConsent {
        scopes: fields.parsed("scopes", |text| Scopes::parse_known(text).ok())?,
        consented_at: fields.moment("consented_at")?,
    })
}
