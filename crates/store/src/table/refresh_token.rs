//! `OAUTH_REFRESH_TOKEN`: refresh tokens and their lineage.

use kernel::{Hashed, Timestamp};
use model::refresh_token::{RefreshSecret, Rotated};
use model::{ClientId, Grant, GrantId, RefreshToken, Subject};
use sqlx::query;

use super::{grant, subject};
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_REFRESH_TOKEN";

/// The refresh token with this hash, its grant and its person, in whatever state.
pub async fn find(
    conn: &mut Conn,
    hash: &Hashed<RefreshSecret>,
) -> Result<Option<(RefreshToken, Grant, Subject)>, StoreError> {
    let select = query(
        "SELECT t.token_hash, t.grant_id, t.created_at, t.expires_at, t.rotated_at, \
         t.successor_hash, t.successor_sealed, t.reuses, \
         g.grant_id, g.subject_id, g.client_id, g.client_name, g.redirect_host, g.resource, \
         g.scopes, g.status_index, g.authenticated_at, g.created_at, g.revoked_at, \
         g.revocation_reason, \
         s.subject_id, s.provider, s.external_id, s.name, s.email, s.group_names, s.user_type, \
         s.disabled_at \
         FROM OAUTH_REFRESH_TOKEN t JOIN OAUTH_GRANT g ON g.grant_id = t.grant_id \
         JOIN OAUTH_SUBJECT s ON s.subject_id = g.subject_id WHERE t.token_hash = $1",
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
    pub(crate) rotated_at: Option<Timestamp>,
    pub(crate) reuses: i64,
    pub(crate) successor_is_leaf: bool,
}

/// The lineage of a token, if it exists.
pub(crate) async fn lineage(
    conn: &mut Conn,
    hash: &Hashed<RefreshSecret>,
) -> Result<Option<Lineage>, StoreError> {
    let select = query(
        "SELECT t.token_hash, t.grant_id, g.client_id, t.rotated_at, t.reuses, n.token_hash, \
         n.rotated_at \
         FROM OAUTH_REFRESH_TOKEN t JOIN OAUTH_GRANT g ON g.grant_id = t.grant_id \
         LEFT JOIN OAUTH_REFRESH_TOKEN n ON n.token_hash = t.successor_hash \
         WHERE t.token_hash = $1",
    )
    .bind(hash.as_str());
    let Some(row) = conn.one_or_none("find a refresh token's lineage", select).await? else {
        return Ok(None);
    };
    let mut fields = Fields::of(&row, TABLE);
    fields.text("token_hash")?;
    Ok(Some(Lineage {
        grant: fields.id("grant_id")?,
        client: ClientId::from_text(fields.text("client_id")?),
        rotated_at: fields.optional_moment("rotated_at")?,
        reuses: fields.number("reuses")?,
        successor_is_leaf: {
            let successor_exists = fields.optional_text("successor_hash")?.is_some();
            let successor_rotated_at = fields.optional_moment("rotated_at")?;
            successor_exists && successor_rotated_at.is_none()
        },
    }))
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

/// All columns of a rotation together, or none.
fn take_rotation(fields: &mut Fields<'_>) -> Result<Option<Rotated>, StoreError> {
    let at = fields.optional_moment("rotated_at")?;
    let successor = fields.optional_text("successor_hash")?.map(Hashed::from_stored);
    let sealed = fields.optional_text("successor_sealed")?;
    let reuses = fields.number("reuses")?;
    match (at, successor, sealed) {
        (None, None, None) => Ok(None),
        (Some(at), Some(successor), Some(successor_sealed)) => {
            Ok(Some(Rotated { at, successor, successor_sealed, reuses }))
        }
        _ => Err(fields.impossible("rotated_at")),
    }
}
