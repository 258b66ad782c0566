//! `OAUTH_SIGNING_KEY`: the authorization server's keys.

use model::{KeyState, SigningKey};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

const TABLE: &str = "OAUTH_SIGNING_KEY";

/// Every key in every state, the oldest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<SigningKey>, StoreError> {
    let select = query(
        "SELECT kid, alg, public_jwk, private_sealed, sealed_by, state, created_at \
         FROM OAUTH_SIGNING_KEY ORDER BY created_at, kid",
    );
    let rows = conn.all("list signing keys", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
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
    })
}
