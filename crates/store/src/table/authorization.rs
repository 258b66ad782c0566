//! `OAUTH_TXN`: authorizations in progress.

use kernel::{Hashed, Timestamp};
use model::authorization::{Asking, AuthorizationHandle, BrowserBinding};
use model::{Authorization, AuthorizationRequest, ClientId, Stage};
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes};

use super::client;
use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_TXN";

/// The authorization with this handle, expired or not, of whichever browser.
pub async fn find(
    conn: &mut Conn,
    handle: &Hashed<AuthorizationHandle>,
) -> Result<Option<Authorization>, StoreError> {
    let select = query(
        "SELECT handle_hash, browser_hash, client_id, client_name, client_origin, redirect_uri, \
         state, scopes, resource, code_challenge, authenticated_after, client_metadata_hash, \
         always_ask, stage, subject_id, authenticated_at, session_hash, created_at, expires_at \
         FROM OAUTH_TXN WHERE handle_hash = $1",
    )
    .bind(handle.as_str());
    let row = conn.one_or_none("find an authorization", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// Whether a person refused this client at this browser within the lifetime of an authorization. What a
/// provider refused, before anybody was known here, does not count.
pub async fn refused_lately(
    conn: &mut Conn,
    browser: &Hashed<BrowserBinding>,
    client: &ClientId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let select = query(
        "SELECT handle_hash FROM OAUTH_TXN WHERE browser_hash = $1 AND client_id = $2 \
         AND stage = 'denied' AND subject_id IS NOT NULL AND expires_at > $3 LIMIT 1",
    )
    .bind(browser.as_str())
    .bind(client.as_str())
    .bind(now.as_millis());
    Ok(conn.one_or_none("look for a refusal", select).await?.is_some())
}

/// How many authorizations wait or were answered within their lifetime.
pub async fn count_open(conn: &mut Conn, now: Timestamp) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM OAUTH_TXN WHERE expires_at > $1").bind(now.as_millis());
    let row = conn.one_or_none("count authorizations", count).await?;
    row.map_or(Ok(0), |row| Fields::of(&row, TABLE).number("handle_hash"))
}

/// Why a transition did not happen.
pub(crate) enum Progress {
    /// It waits, but not for this.
    Open,
    /// It had its answer.
    Completed,
    /// Absent, expired, or another browser's.
    Gone,
}

/// How far an authorization has come in this browser.
pub(crate) async fn standing(
    conn: &mut Conn,
    handle: &Hashed<AuthorizationHandle>,
    browser: &Hashed<BrowserBinding>,
    now: Timestamp,
) -> Result<Progress, StoreError> {
    let found = find(conn, handle).await?;
    let own = found.filter(|found| found.browser == *browser && !found.is_expired(now));
    Ok(match own.map(|own| own.stage) {
        Some(Stage::Approved | Stage::Denied) => Progress::Completed,
        Some(Stage::Pending | Stage::Resumed { .. }) => Progress::Open,
        None => Progress::Gone,
    })
}

fn take(fields: &mut Fields<'_>) -> Result<Authorization, StoreError> {
    Ok(Authorization {
        handle: fields.hash("handle_hash")?,
        browser: fields.hash("browser_hash")?,
        request: take_request(fields)?,
        stage: take_stage(fields)?,
        created_at: fields.moment("created_at")?,
        expires_at: fields.moment("expires_at")?,
    })
}

fn take_request(fields: &mut Fields<'_>) -> Result<AuthorizationRequest, StoreError> {
    let id = ClientId::from_text(fields.text("client_id")?);
    let mut request = AuthorizationRequest {
        client_name: fields.text("client_name")?,
        client_origin: fields.parsed("client_origin", |name| client::origin_of(&id, name))?,
        client: id,
        redirect_uri: fields.parsed("redirect_uri", |text| RedirectUri::from_stored(text).ok())?,
        state: fields.optional_text("state")?,
        scopes: fields.parsed("scopes", |text| Scopes::parse_known(text).ok())?,
        resource: fields.parsed("resource", |text| ResourceUri::parse(text).ok())?,
        challenge: CodeChallenge::from_stored(fields.text("code_challenge")?),
        authenticated_after: fields.moment("authenticated_after")?,
        client_metadata: fields.hash("client_metadata_hash")?,
        asking: match fields.number("always_ask")? {
            0 => Asking::AsNeeded,
            _ => Asking::Always,
        },
    };
    // A program that does not know these columns leaves them empty, and its people are asked.
    if request.client_metadata.as_str().is_empty() {
        request.asking = Asking::Always;
    }
    Ok(request)
}

/// All these columns together, or the row cannot be.
fn take_stage(fields: &mut Fields<'_>) -> Result<Stage, StoreError> {
    let stage = fields.text("stage")?;
    let subject = fields.optional_text("subject_id")?;
    let authenticated_at = fields.optional_moment("authenticated_at")?;
    let session = fields.optional_text("session_hash")?.map(Hashed::from_stored);
    match (stage.as_str(), subject, authenticated_at) {
        ("pending", None, None) => Ok(Stage::Pending),
        ("resumed", Some(subject), Some(authenticated_at)) => {
            let subject = kernel::Id::from_stored(subject);
            Ok(Stage::Resumed { subject, authenticated_at, session })
        }
        ("approved", Some(_), Some(_)) => Ok(Stage::Approved),
        ("denied", Some(_), Some(_)) | ("denied", None, None) => Ok(Stage::Denied),
        _ => Err(fields.impossible("stage")),
    }
}
