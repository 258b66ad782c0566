//! `OAUTH_CLIENT`: clients that registered themselves.

use kernel::Hashed;
use model::client::{AssertionAudience, KeySource, Signing};
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::client_document::DocumentUrl;
use protocol::client_keys::ClientKeys;
use protocol::{RedirectUri, Scopes};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_CLIENT";

/// The client with this id.
pub async fn find(conn: &mut Conn, id: &ClientId) -> Result<Option<Client>, StoreError> {
    let select = query(
        "SELECT client_id, name, origin, redirect_uris, auth_method, secret_hash, \
         assertion_keys, grant_types, scopes, created_at FROM OAUTH_CLIENT WHERE client_id = $1",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find a client", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// How many clients registered and never got a grant.
pub async fn count_unused(conn: &mut Conn) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL");
    let row = conn.one_or_none("count clients", count).await?;
    row.map_or(Ok(0), |row| Fields::of(&row, TABLE).number("client_id"))
}

fn take(fields: &mut Fields<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: ClientId::from_text(fields.text("client_id")?),
        name: fields.text("name")?,
        origin: fields.parsed("origin", origin)?,
        redirect_uris: fields.parsed("redirect_uris", redirect_uris)?,
        auth: take_auth(fields)?,
        refresh_tokens: fields.parsed("grant_types", refresh_tokens)?,
        scopes: fields.parsed("scopes", |text| Scopes::parse_known(text).ok())?,
        created_at: fields.moment("created_at")?,
    })
}

fn take_auth(fields: &mut Fields<'_>) -> Result<ClientAuth, StoreError> {
    let method = fields.text("auth_method")?;
    let secret = fields.optional_text("secret_hash")?;
    let keys = fields.optional_text("assertion_keys")?;
    match (method.as_str(), secret, keys) {
        ("none", None, None) => Ok(ClientAuth::None),
        ("client_secret_post", Some(hash), None) => {
            Ok(ClientAuth::SecretPost(Hashed::from_stored(hash)))
        }
        ("client_secret_basic", Some(hash), None) => {
            Ok(ClientAuth::SecretBasic(Hashed::from_stored(hash)))
        }
        ("client_secret_basic", Some(hash), Some(keys)) if hash == NO_SECRET => {
            let keys = ClientKeys::parse_text(&keys);
            let keys = keys.map_err(|_| fields.impossible("assertion_keys"))?;
            Ok(ClientAuth::PrivateKeyJwt(Signing {
                keys: KeySource::Registered(keys),
                audience: AssertionAudience::Issuer,
            }))
        }
        _ => Err(fields.impossible("auth_method")),
    }
}

/// Stands where a client with keys has no secret: nothing has this hash.
const NO_SECRET: &str = "-";

/// How a client authenticates, in the columns `auth_method`, `secret_hash` and `assertion_keys`.
pub(crate) type StoredAuth = (&'static str, Option<String>, Option<String>);

/// A client with keys is written so that a program that does not know of them takes it for one
/// whose secret nobody has, and never for a public one. Clients whose secrets an operator chose
/// are in the configuration and not here.
pub(crate) fn auth_columns(auth: &ClientAuth) -> StoredAuth {
    match auth {
        ClientAuth::None => ("none", None, None),
        ClientAuth::SecretPost(hash) => {
            ("client_secret_post", Some(hash.as_str().to_owned()), None)
        }
        ClientAuth::SecretBasic(hash) => {
            ("client_secret_basic", Some(hash.as_str().to_owned()), None)
        }
        ClientAuth::Secrets(_) => ("client_secret_basic", Some(NO_SECRET.to_owned()), None),
        ClientAuth::PrivateKeyJwt(signing) => {
            let KeySource::Registered(keys) = &signing.keys;
            let keys = keys.to_json().to_string();
            ("client_secret_basic", Some(NO_SECRET.to_owned()), Some(keys))
        }
    }
}

/// A client of a document is never stored; where a transaction names one, its id tells it from one that
/// registered itself, whose id is never a URL (RG-13).
pub(crate) const fn origin_name(origin: ClientOrigin) -> &'static str {
    match origin {
        ClientOrigin::Configured => "configured",
        ClientOrigin::Dynamic | ClientOrigin::Document => "dynamic",
    }
}

pub(crate) fn origin(name: &str) -> Option<ClientOrigin> {
    match name {
        "configured" => Some(ClientOrigin::Configured),
        "dynamic" => Some(ClientOrigin::Dynamic),
        _ => None,
    }
}

/// The origin of a client with this id.
pub(crate) fn origin_of(id: &ClientId, name: &str) -> Option<ClientOrigin> {
    let origin = origin(name)?;
    let is_document = origin == ClientOrigin::Dynamic && DocumentUrl::is_meant(id.as_str());
    Some(if is_document { ClientOrigin::Document } else { origin })
}

pub(crate) const fn grant_types(refresh_tokens: bool) -> &'static str {
    if refresh_tokens { "authorization_code refresh_token" } else { "authorization_code" }
}

fn refresh_tokens(grant_types: &str) -> Option<bool> {
    match grant_types {
        "authorization_code" => Some(false),
        "authorization_code refresh_token" => Some(true),
        _ => None,
    }
}

pub(crate) fn redirect_uris_text(uris: &[RedirectUri]) -> String {
    uris.iter().map(RedirectUri::as_str).collect::<serde_json::Value>().to_string()
}

fn redirect_uris(json: &str) -> Option<Vec<RedirectUri>> {
    let texts: Vec<String> = serde_json::from_str(json).ok()?;
    let uris: Vec<_> =
        texts.iter().map(|text| RedirectUri::from_stored(text).ok()).collect::<Option<_>>()?;
    (!uris.is_empty()).then_some(uris)
}
