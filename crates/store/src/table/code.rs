//! `OAUTH_CODE`: authorization codes.

use kernel::{Hashed, Id};
use model::code::CodeSecret;
use model::{ClientId, Code};
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_CODE";

/// The code with this hash, in whatever state.
pub async fn find(conn: &mut Conn, hash: &Hashed<CodeSecret>) -> Result<Option<Code>, StoreError> {
    let select = query(
        "SELECT code_hash, client_id, client_name, redirect_uri, code_challenge, resource, \
         scopes, subject_id, organization, authenticated_at, created_at, expires_at, \
         failed_redemptions, redeemed_as FROM OAUTH_CODE WHERE code_hash = $1",
    )
    .bind(hash.as_str());
    let row = conn.one_or_none("find a code", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

pub(crate) fn take(fields: &mut Fields<'_>) -> Result<Code, StoreError> {
    Ok(Code {
        hash: fields.hash("code_hash")?,
        client: ClientId::from_text(fields.text("client_id")?),
        client_name: fields.text("client_name")?,
        redirect_uri: fields.parsed("redirect_uri", |text| RedirectUri::from_stored(text).ok())?,
        challenge: CodeChallenge::from_stored(fields.text("code_challenge")?),
        resource: fields.parsed("resource", |text| ResourceUri::parse(text).ok())?,
        scopes: fields.parsed("scopes", |text| Scopes::parse_known(text).ok())?,
        subject: fields.id("subject_id")?,
        organization: fields.optional_text("organization")?,
        authenticated_at: fields.moment("authenticated_at")?,
        created_at: fields.moment("created_at")?,
        expires_at: fields.moment("expires_at")?,
        failed_redemptions: fields.number("failed_redemptions")?,
        redeemed_as: fields.optional_text("redeemed_as")?.map(Id::from_stored),
    })
}
