//! `OAUTH_UPSTREAM`: people who are away at a provider.

use kernel::{Hashed, Timestamp};
use model::UpstreamSignIn;
use model::upstream::UpstreamState;

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_UPSTREAM";

/// The sign-in with this state, expired or not, at whichever provider and of whichever browser.
pub async fn find(
    conn: &mut Conn,
    state: &Hashed<UpstreamState>,
) -> Result<Option<UpstreamSignIn>, StoreError> {
    let select = query(
        "SELECT state_hash, provider, browser_hash, handle_hash, pending_sealed, answer_sealed, \
         created_at, expires_at FROM OAUTH_UPSTREAM WHERE state_hash = $1",
    )
    .bind(state.as_str());
    let row = conn.one_or_none("find a sign-in at a provider", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// How many people are away at a provider.
pub async fn count_open(conn: &mut Conn, now: Timestamp) -> Result<i64, StoreError> {
    let count =
        query("SELECT COUNT(*) FROM OAUTH_UPSTREAM WHERE expires_at > $1").bind(now.as_millis());
    let row = conn.one_or_none("count sign-ins at providers", count).await?;
    row.map_or(Ok(0), |row| Fields::of(&row, TABLE).number("state_hash"))
}

pub(crate) fn take(fields: &mut Fields<'_>) -> Result<UpstreamSignIn, StoreError> {
    Ok(UpstreamSignIn {
        state: fields.hash("state_hash")?,
        provider: fields.text("provider")?,
        browser: fields.hash("browser_hash")?,
        handle: fields.optional_text("handle_hash")?.map(Hashed::from_stored),
        pending_sealed: fields.text("pending_sealed")?,
        answer_sealed: fields.optional_text("answer_sealed")?,
        created_at: fields.moment("created_at")?,
        expires_at: fields.moment("expires_at")?,
    })
}
