//! `OAUTH_REVOKED_TOKEN`: access tokens that ended before their grants (RFC 7009).

use model::GrantId;

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

const TABLE: &str = "OAUTH_REVOKED_TOKEN";

/// The ids of those whose grants have their bits in this status list.
pub async fn of_list(conn: &mut Conn, list: u64) -> Result<Vec<String>, StoreError> {
    let select = query("SELECT token_id FROM OAUTH_REVOKED_TOKEN WHERE status_list = $1")
        .bind(i64::try_from(list).unwrap_or(i64::MAX));
    let rows = conn.all("list revoked tokens", select).await?;
    rows.iter().map(|row| Fields::of(row, TABLE).text("token_id")).collect()
}

/// Whether the token with this id is one of them.
pub async fn is_revoked(conn: &mut Conn, id: &str) -> Result<bool, StoreError> {
    let select = query("SELECT token_id FROM OAUTH_REVOKED_TOKEN WHERE token_id = $1").bind(id);
    Ok(conn.one_or_none("look for a revoked token", select).await?.is_some())
}

/// How many there are of a grant, and in a status list.
pub(crate) async fn count(
    conn: &mut Conn,
    grant: &GrantId,
    list: i64,
) -> Result<(i64, i64), StoreError> {
    let of_grant =
        query("SELECT COUNT(*) FROM OAUTH_REVOKED_TOKEN WHERE grant_id = $1").bind(grant.as_str());
    let of_list =
        query("SELECT COUNT(*) FROM OAUTH_REVOKED_TOKEN WHERE status_list = $1").bind(list);
    let mut counts = [0; 2];
    for (count, query) in counts.iter_mut().zip([of_grant, of_list]) {
        let row = conn.one_or_none("count revoked tokens", query).await?;
        *count = row.map_or(Ok(0), |row| Fields::of(&row, TABLE).number("token_id"))?;
    }
    Ok((counts[0], counts[1]))
}
