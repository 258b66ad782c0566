//! What an ID token must say: OpenID Connect Core §3.1.3.7 and §3.1.3.8 (UP-2), and §12.2 for one
//! that comes later.

use aws_lc_rs::digest::{self, digest};
use kernel::encoding::base64url;
use kernel::secret::constant_time_eq;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::checks::{self, date};
use super::jwt::Signed;
use super::{Provider, rejected};
use crate::claims::Claims;
use crate::provider::ProviderError;

/// An ID token is made when it is asked for, so an older one was made for something else, or
/// the provider's clock is behind.
const MAX_AGE_SECONDS: i64 = 300;

impl Provider {
    pub(super) fn check_id_token(
        &self,
        signed: &Signed,
        nonce: &str,
        access_token: Option<&str>,
    ) -> Result<(), ProviderError> {
        self.check_later_id_token(signed, access_token)?;
        self.check_sign_in_time(&signed.claims)?;
        check_nonce(&signed.claims, nonce)
    }

    /// §12.2: issuer and audience as at sign-in; it belongs to no transaction of a browser, so it
    /// needs no nonce, and nobody proved anything anew. That it is about the same person is for
    /// the caller to see.
    pub(super) fn check_later_id_token(
        &self,
        signed: &Signed,
        access_token: Option<&str>,
    ) -> Result<(), ProviderError> {
        check_type(signed)?;
        checks::parties(&signed.claims, &self.config)?;
        check_subject(&signed.claims)?;
        self.check_times(&signed.claims)?;
        check_access_token(signed, access_token)
    }

    fn check_times(&self, claims: &Claims) -> Result<(), ProviderError> {
        let (now, skew) = (self.clock.now(), self.config.clock_skew_seconds);
        let issued = checks::times(claims, &self.config, now)?;
        if date(claims, "exp")?.is_none() {
            return Err(rejected("the ID token has no exp"));
        }
        let age = now.as_seconds().saturating_sub(issued);
        let recent = age <= MAX_AGE_SECONDS.saturating_add(skew);
        recent.then_some(()).ok_or_else(|| {
            rejected(format!(
                "the ID token was issued {age} s ago; compare the provider's clock with ours"
            ))
        })
    }

    fn check_sign_in_time(&self, claims: &Claims) -> Result<(), ProviderError> {
        let (now, skew) = (self.clock.now(), self.config.clock_skew_seconds);
        let Some(max_age) = self.config.max_age_seconds else { return Ok(()) };
        // §3.1.2.1: with max_age the provider must say when the person proved who they are.
        let Some(proved) = date(claims, "auth_time")? else {
            return Err(rejected("the ID token has no auth_time, though max_age was asked for"));
        };
        let ago = now.as_seconds().saturating_sub(proved);
        let recent = ago <= max_age.saturating_add(skew);
        recent.then_some(()).ok_or_else(|| {
            rejected(format!("the person signed in at the provider {ago} s ago (max_age)"))
        })
    }
}

/// A logout token is no ID token; other types that providers make up are left alone, since `typ`
/// is not specified for ID tokens.
fn check_type(signed: &Signed) -> Result<(), ProviderError> {
    let typ = signed.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    let other = matches!(typ, "logout+jwt" | "at+jwt") || signed.claims.contains_key("events");
    (!other).then_some(()).ok_or_else(|| rejected("the token is not an ID token (typ or events)"))
}

/// §2: always there, whatever the operator recognises people by; userinfo is compared with it.
pub(super) fn check_subject(claims: &Claims) -> Result<(), ProviderError> {
    let came = match claims.get("sub") {
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Number(_)) => "; it is a number, and the provider must make a text of it",
        _ => "",
    };
    Err(rejected(format!("the answer has no sub that is a text{came}")))
}

/// The token was made for this very transaction of this browser.
fn check_nonce(claims: &Claims, nonce: &str) -> Result<(), ProviderError> {
    let named = claims.get("nonce").and_then(Value::as_str);
    let same = named.is_some_and(|named| constant_time_eq(named.as_bytes(), nonce.as_bytes()));
    same.then_some(()).ok_or_else(|| {
        let what = if named.is_some() { "another" } else { "no" };
        rejected(format!("the ID token has {what} nonce"))
    })
}

/// §3.1.3.8: the left half of the access token's hash, under the hash of the signature algorithm.
fn check_access_token(signed: &Signed, access_token: Option<&str>) -> Result<(), ProviderError> {
    let Some(stated) = signed.claims.get("at_hash") else { return Ok(()) };
    let algorithm = match signed.algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
        // Ed25519 hashes with SHA-512 itself.
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => &digest::SHA512,
    };
    let Some(token) = access_token else {
        return Err(rejected("the ID token has at_hash, but no access token came with it"));
    };
    let hash = digest(algorithm, token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    let same = stated.as_str() == Some(base64url(left).as_str());
    same.then_some(()).ok_or_else(|| rejected("the ID token belongs to another access token"))
}
