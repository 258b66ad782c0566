//! `OAUTH_REFRESH_TOKEN`: refresh tokens and their lineage.

use kernel::{Hashed, Timestamp};
use model::refresh_token::{RefreshSecret, Rotated};
use model::{ClientId, Grant, GrantId, RefreshToken, Subject};

use super::{grant, subject};
use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_REFRESH_TOKEN";

/// The refresh token with this hash, its grant and its person, in whatever state.
pub async fn find(
    conn: &mut Conn,
    hash: &Hashed<RefreshSecret>,
) -> Result<Option<(RefreshToken, Grant, Subject)>, StoreError> {
    let select = query(
        "SELECT t.token_hash, t.grant_id, t.created_at, t.expires_at, \
         n.created_at, n.token_hash, n.sealed_for_parent, n.reuses, \
         g.grant_id, g.subject_id, g.organization, g.client_id, g.client_name, g.redirect_host, \
         g.resource, g.scopes, g.status_index, g.authenticated_at, g.created_at, g.revoked_at, \
         g.revocation_reason, \
         s.subject_id, s.provider, s.external_id, s.name, s.email, s.email_verified, \
         s.group_names, s.organizations, s.attributes, s.organization, s.user_type, \
         s.disabled_at \
         FROM OAUTH_REFRESH_TOKEN t JOIN OAUTH_GRANT g ON g.grant_id = t.grant_id \
         JOIN OAUTH_SUBJECT s ON s.subject_id = g.subject_id \
         LEFT JOIN OAUTH_REFRESH_TOKEN n ON n.parent_hash = t.token_hash \
         WHERE t.token_hash = $1",
    )
    .bind(hash.as_str());
    let Some(row) = conn.one_or_none("find a refresh token", select).await? else {
        return Ok(None);
    };
    let mut fields = Fields::of(&row, TABLE);
    let token = take(&mut fields)?;
    fields.then(grant::TABLE);
    let grant = grant::take(&mut fields)?;
    fields.then(subject::TABLE);
    Ok(Some((token, grant, subject::take(&mut fields)?)))
}

/// What decides whether a token that comes again is a race or theft.
pub(crate) struct Lineage {
    pub(crate) grant: GrantId,
    pub(crate) client: ClientId,
    /// What the token was rotated into, if it was.
    pub(crate) successor: Option<Successor>,
}

/// The next generation.
pub(crate) struct Successor {
    pub(crate) created_at: Timestamp,
    pub(crate) reuses: i64,
    pub(crate) is_leaf: bool,
}

/// The lineage of a token, if it exists.
pub(crate) async fn lineage(
    conn: &mut Conn,
    hash: &Hashed<RefreshSecret>,
) -> Result<Option<Lineage>, StoreError> {
    let select = query(
        "SELECT t.token_hash, t.grant_id, g.client_id, n.created_at, n.reuses, l.token_hash \
         FROM OAUTH_REFRESH_TOKEN t JOIN OAUTH_GRANT g ON g.grant_id = t.grant_id \
         LEFT JOIN OAUTH_REFRESH_TOKEN n ON n.parent_hash = t.token_hash \
         LEFT JOIN OAUTH_REFRESH_TOKEN l ON l.parent_hash = n.token_hash \
         WHERE t.token_hash = $1",
    )
    .bind(hash.as_str());
    let row = conn.one_or_none("find a refresh token's lineage", select).await?;
    row.map(|row| take_lineage(&mut Fields::of(&row, TABLE))).transpose()
}

fn take_lineage(fields: &mut Fields<'_>) -> Result<Lineage, StoreError> {
    fields.text("token_hash")?;
    let grant = fields.id("grant_id")?;
    let client = ClientId::from_text(fields.text("client_id")?);
    let created_at = fields.optional_moment("created_at")?;
    let reuses = fields.optional_number("reuses")?;
    let is_leaf = fields.optional_text("token_hash")?.is_none();
    let successor = match (created_at, reuses) {
        (Some(created_at), Some(reuses)) => Some(Successor { created_at, reuses, is_leaf }),
        _ => None,
    };
    Ok(Lineage { grant, client, successor })
}

fn take(fields: &mut Fields<'_>) -> Result<RefreshToken, StoreError> {
    Ok(RefreshToken {
        hash: fields.hash("token_hash")?,
        grant: fields.id("grant_id")?,
        created_at: fields.moment("created_at")?,
        expires_at: fields.moment("expires_at")?,
        rotated: take_rotation(fields)?,
    })
}

/// The successor's columns: all of them, or none.
fn take_rotation(fields: &mut Fields<'_>) -> Result<Option<Rotated>, StoreError> {
    let at = fields.optional_moment("created_at")?;
    let successor = fields.optional_text("token_hash")?.map(Hashed::from_stored);
    let sealed = fields.optional_text("sealed_for_parent")?;
    let reuses = fields.optional_number("reuses")?;
    match (at, successor, sealed, reuses) {
        (None, None, None, None) => Ok(None),
        (Some(at), Some(successor), Some(successor_sealed), Some(reuses)) => {
            Ok(Some(Rotated { at, successor, successor_sealed, reuses }))
        }
        _ => Err(fields.impossible("sealed_for_parent")),
    }
}
