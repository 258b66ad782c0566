//! The authorization server over HTTP, for a sidecar that runs apart.
//!
//! What it says is believed because it is signed: the status list is a JWT under a key of the key
//! set, and the key set comes from the address that the operator configured.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use kernel::{Clock, Redacted};
use mcp::{Authority, AuthorityAway};
use protocol::audit::{REPORT_PATH, Report};
use protocol::status_list::{STATUS_LIST_TYPE, StatusBits, StatusList, StatusListClaims};

use super::away;
use crate::config::AuthoritySettings;

/// How often keys and statuses are asked for.
const POLL: Duration = Duration::from_secs(2);

/// Seconds that one request may take.
const TIMEOUT: u64 = 5;

/// The largest document that is read.
const MAX_DOCUMENT: usize = 1 << 20;

/// Asks the authorization server over HTTP.
pub(in super::super) struct Remote {
    client: reqwest::Client,
    url: String,
    issuer: String,
    clock: Arc<dyn Clock>,
    credentials: Option<(String, Redacted)>,
}

impl Remote {
    pub(in super::super) fn new(
        authority: &AuthoritySettings,
        issuer: &str,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let client = net::outbound::client(TIMEOUT).context("TLS cannot be set up")?;
        let AuthoritySettings { url, credentials } = authority;
        let (url, credentials) = (url.clone(), credentials.clone());
        Ok(Self { client, url, issuer: issuer.to_owned(), clock, credentials })
    }

    async fn get(&self, path: &str) -> Result<Bytes, AuthorityAway> {
        let url = format!("{}{path}", self.url);
        let mut response = self
            .client
            .get(&url)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| away(error.without_url()))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| away(e.without_url()))? {
            if body.len() + chunk.len() > MAX_DOCUMENT {
                return Err(away(format!("{path} is larger than 1 MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// Authenticates by HTTP Basic, in which id and secret are form-encoded (RFC 6749 §2.3.1).
    async fn post_report(&self, report: &Report) -> Result<(), AuthorityAway> {
        let (id, secret) =
            self.credentials.as_ref().ok_or_else(|| away("there is no mcp.authority.client_id"))?;
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        self.client
            .post(format!("{}{REPORT_PATH}", self.url))
            .basic_auth(encoded(id), Some(encoded(secret.reveal())))
            .json(report)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| away(error.without_url()))?;
        Ok(())
    }

    async fn status_list(&self, list: u64) -> Result<StatusList, AuthorityAway> {
        let token = self.get(&format!("/status/{list}")).await?;
        let keys: JwkSet = serde_json::from_slice(&self.get("/jwks").await?).map_err(away)?;
        let claims = self.verify(&token, &keys, list)?;
        let bits = StatusBits::decompress(&claims.status_list).map_err(away)?;
        Ok(StatusList { bits, revoked_tokens: claims.revoked_tokens })
    }

    /// The list must be signed by the issuer, be the one that was asked for, and not be stale.
    fn verify(
        &self,
        token: &[u8],
        keys: &JwkSet,
        list: u64,
    ) -> Result<StatusListClaims, AuthorityAway> {
        let header = decode_header(token).map_err(away)?;
        let kid = header.kid.ok_or_else(|| away("the status list names no key"))?;
        let key = keys.find(&kid).ok_or_else(|| away("the status list's key is unknown"))?;
        let key = DecodingKey::from_jwk(key).map_err(away)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.validate_aud = false;
        // Times are compared below, with the clock that everything else uses.
        validation.validate_exp = false;
        let claims = decode::<StatusListClaims>(token, &key, &validation).map_err(away)?.claims;
        let fits = header.typ.as_deref() == Some(STATUS_LIST_TYPE)
            && claims.sub == format!("{}/status/{list}", self.issuer)
            && claims.exp > self.clock.now().as_seconds();
        if fits {
            Ok(claims)
        } else {
            Err(away("the status list is for another list, or out of date"))
        }
    }

    /// The metadata sits where the issuer's path puts it (RFC 8414 §3.1); the appended form is the
    /// one that needs no knowledge of the path.
    async fn metadata_document(&self) -> Result<Bytes, AuthorityAway> {
        self.get("/.well-known/oauth-authorization-server").await
    }
}

impl Authority for Remote {
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        self.get("/jwks").boxed()
    }

    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        self.metadata_document().boxed()
    }

    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
        self.status_list(list).boxed()
    }

    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
        self.post_report(report).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        tokio::time::sleep(POLL).boxed()
    }
}
