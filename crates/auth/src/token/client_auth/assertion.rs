//! The JWT by which a client proves who it is: `private_key_jwt` (RFC 7523 §2.2 and §3, RFC 8725,
//! and draft-ietf-oauth-rfc7523bis for the audience).
//!
//! What can be judged without knowing the client is judged first, and told in clear words: it says
//! nothing about which clients there are.

use std::collections::HashSet;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use kernel::Timestamp;
use model::client::AssertionAudience;
use protocol::client_keys::ClientKeys;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::Config;

/// An assertion that a client may have made just now. Whether it did is not known yet.
pub(super) struct Assertion<'a> {
    token: &'a str,
    header: Header,
    claims: Claims,
}

/// The claims of RFC 7523 §3. A claim of another type than here is a reason to refuse, an `aud` of
/// several included: whoever else is named there could present the assertion as well (CA-5).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    jti: String,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
}

/// Why an assertion is refused without a look at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("it is larger than 8 KiB")]
    TooLarge,
    #[error("it is not a signed JWT in compact form, or its alg is not supported")]
    NotAJwt,
    #[error("its header has crit, which names something that is not understood here")]
    Critical,
    #[error("its typ is that of another kind of token")]
    OtherType,
    #[error("iss, sub, aud, exp and jti must be there, aud as one text")]
    Claims,
    #[error("iss and sub must both be the client_id")]
    TwoParties,
    #[error("it has expired")]
    Expired,
    #[error("exp must be at most 5 minutes ahead")]
    TooLong,
    #[error("iat or nbf is in the future")]
    NotYet,
}

const MAX_LENGTH: usize = 8 * 1024;
const MAX_ID: usize = 1024;

/// How far ahead an assertion may end (CA-6).
const MAX_LIFETIME_SECONDS: i64 = 300;

/// How far clocks may differ, in seconds: what is eight ahead passes, what is a minute ahead does
/// not (T-CA-12).
const LEEWAY_SECONDS: i64 = 10;

impl<'a> Assertion<'a> {
    /// Reads it, and checks what does not depend on the client.
    pub(super) fn read(token: &'a str, now: Timestamp) -> Result<Self, Flaw> {
        if token.len() > MAX_LENGTH {
            return Err(Flaw::TooLarge);
        }
        let header = decode_header(token).map_err(|_| Flaw::NotAJwt)?;
        check_header(&header)?;
        // The signature is checked over this very text later, before anything is believed.
        let _: IgnoredAny = insecure_decode_claims(token).map_err(|_| Flaw::NotAJwt)?;
        let claims: Claims = insecure_decode_claims(token).map_err(|_| Flaw::Claims)?;
        check_claims(&claims, now.as_seconds())?;
        Ok(Self { token, header, claims })
    }

    /// Which client it is about.
    pub(super) fn client(&self) -> &str {
        &self.claims.sub
    }

    /// Its own id.
    pub(super) fn id(&self) -> &str {
        &self.claims.jti
    }

    /// Until when it could be sent again.
    pub(super) fn expires_at(&self) -> Timestamp {
        let end = self.claims.exp.saturating_add(LEEWAY_SECONDS);
        Timestamp::from_millis(end.saturating_mul(1000))
    }

    /// Whether it was made out to us, and to nobody else.
    ///
    /// A server without a path is the same with a slash at the end and without one (RFC 3986
    /// §6.2.3), and clients that keep URLs in types of their own write it.
    pub(super) fn is_for(&self, config: &Config, audience: AssertionAudience) -> bool {
        let aud = self.claims.aud.as_str();
        let with_slash = aud.strip_suffix('/').filter(|_| config.base_path().is_empty());
        let issuer = aud == config.issuer || with_slash == Some(&config.issuer);
        issuer
            || (audience == AssertionAudience::IssuerOrTokenEndpoint && aud == config.url("/token"))
    }

    /// Whether one of these keys made its signature. A client that names a key means that one.
    pub(super) fn is_signed_with(&self, keys: &ClientKeys) -> bool {
        let Ok(set) = serde_json::from_value::<JwkSet>(keys.to_json()) else { return false };
        let named = |key: &&Jwk| match (&self.header.kid, &key.common.key_id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        set.keys.iter().filter(named).any(|key| self.is_signed_by(key))
    }

    /// The key says what it is for, never the token alone (RFC 8725 §3.1).
    fn is_signed_by(&self, key: &Jwk) -> bool {
        let algorithm = self.header.alg;
        let only = key.common.key_algorithm.map(|only| only.to_string());
        let fits = is_kind(&key.algorithm, algorithm)
            && only.is_none_or(|only| only == format!("{algorithm:?}"));
        let Some(key) = fits.then(|| DecodingKey::from_jwk(key).ok()).flatten() else {
            return false;
        };
        decode::<IgnoredAny>(self.token, &key, &signature_only(algorithm)).is_ok()
    }
}

fn check_header(header: &Header) -> Result<(), Flaw> {
    use Algorithm::{ES256, EdDSA, PS256, RS256};
    if !matches!(header.alg, ES256 | RS256 | PS256 | EdDSA) {
        return Err(Flaw::NotAJwt);
    }
    if header.crit.is_some() {
        return Err(Flaw::Critical);
    }
    let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    let ours = matches!(typ, "jwt" | "client-authentication+jwt");
    ours.then_some(()).ok_or(Flaw::OtherType)
}

fn check_claims(claims: &Claims, now: i64) -> Result<(), Flaw> {
    let soon = now.saturating_add(LEEWAY_SECONDS);
    if claims.jti.is_empty() || claims.jti.len() > MAX_ID {
        return Err(Flaw::Claims);
    }
    if claims.iss != claims.sub {
        return Err(Flaw::TwoParties);
    }
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Flaw::Expired);
    }
    if claims.exp > soon.saturating_add(MAX_LIFETIME_SECONDS) {
        return Err(Flaw::TooLong);
    }
    let in_future = |moment: Option<i64>| moment.is_some_and(|moment| moment > soon);
    if in_future(claims.iat) || in_future(claims.nbf) { Err(Flaw::NotYet) } else { Ok(()) }
}

fn is_kind(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match key {
        AlgorithmParameters::RSA(_) => matches!(algorithm, Algorithm::RS256 | Algorithm::PS256),
        AlgorithmParameters::EllipticCurve(_) => algorithm == Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    }
}

/// Claims were checked with our own clock.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = HashSet::new();
    validation
}
