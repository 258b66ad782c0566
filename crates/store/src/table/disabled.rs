//! `OAUTH_DISABLED`: what an administrator switched off.

use kernel::Timestamp;
use model::{Disabled, DisabledKind};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

const TABLE: &str = "OAUTH_DISABLED";

/// Everything that is switched off, and since when. Administrators wrote each row, so there are few.
pub async fn all(conn: &mut Conn) -> Result<Vec<(Disabled, Timestamp)>, StoreError> {
    let select =
        query("SELECT name, kind, disabled_at FROM OAUTH_DISABLED ORDER BY kind, name").walking();
    let rows = conn.all("read what is switched off", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

fn take(fields: &mut Fields<'_>) -> Result<(Disabled, Timestamp), StoreError> {
    let name = fields.text("name")?;
    let kind = fields.parsed("kind", DisabledKind::parse)?;
    Ok((Disabled { kind, name }, fields.moment("disabled_at")?))
}
