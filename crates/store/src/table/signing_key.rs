//! `OAUTH_SIGNING_KEY`: the authorization server's keys.

use model::{KeyState, SigningKey};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError, Txn};

const TABLE: &str = "OAUTH_SIGNING_KEY";

/// Every key in every state, the oldest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<SigningKey>, StoreError> {
    let select = query(
        "SELECT kid, alg, public_jwk, private_sealed, sealed_by, state, created_at, \
         changed_at FROM OAUTH_SIGNING_KEY ORDER BY created_at, kid",
    );
    let rows = conn.all("list signing keys", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// Stores a new key in this state. `false` if there is one in it: an index lets one key sign, and one come
/// next.
pub(crate) async fn insert(
    txn: &mut Txn<'_>,
    key: &SigningKey,
    state: KeyState,
) -> Result<bool, StoreError> {
    let insert = query(
        "INSERT INTO OAUTH_SIGNING_KEY (kid, alg, public_jwk, private_sealed, sealed_by, state, \
         created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
    )
    .bind(key.kid.clone())
    .bind(key.alg.clone())
    .bind(key.public_jwk.clone())
    .bind(key.private_sealed.clone())
    .bind(key.sealed_by.clone())
    .bind(state.as_str())
    .bind(key.created_at.as_millis());
    Ok(txn.change("store a signing key", insert).await? == 1)
}

fn take(fields: &mut Fields<'_>) -> Result<SigningKey, StoreError> {
    Ok(SigningKey {
        kid: fields.text("kid")?,
        alg: fields.text("alg")?,
        public_jwk: fields.text("public_jwk")?,
        private_sealed: fields.text("private_sealed")?,
        sealed_by: fields.text("sealed_by")?,
        state: fields.parsed("state", KeyState::parse)?,
        created_at: fields.moment("created_at")?,
        changed_at: fields.moment("changed_at")?,
    })
}
