//! A signed JWT of the provider: its header and its signature (RFC 7515, RFC 8725). What the
//! claims must say is for the two kinds of tokens to check.

use std::fmt;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, crypto};
use protocol::jose::{UnverifiedHeader, UnverifiedJws};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::algorithm::Algorithm;
use super::config::Config;
use super::keys::{Candidates, KeySet};
use super::rejected;
use crate::claims::{Claims, one_line};
use crate::provider::ProviderError;

/// A token whose header is acceptable. Nothing in it is true yet.
pub(super) struct Unverified<'a> {
    token: &'a str,
    parts: UnverifiedJws<'a>,
    header: UnverifiedHeader,
    algorithm: Algorithm,
}

/// A token whose signature is the provider's.
pub(super) struct Signed {
    pub(super) claims: Claims,
    pub(super) algorithm: Algorithm,
    pub(super) typ: Option<String>,
}

/// Why a signature is not believed.
pub(super) enum NotSigned {
    /// No key fits that is known so far.
    ByAKnownKey,
    /// The key that the token names did not make this signature, or the payload is malformed.
    Rightly(String),
}

/// Room for an ID token with some thousand groups.
const MAX_TOKEN: usize = 256 * 1024;

impl<'a> Unverified<'a> {
    /// Reads the header. Its algorithm must be one of the configured ones, which are all of public
    /// keys: `none` and HMAC have no name there. `crit` names something that must be understood
    /// and is not (RFC 7515 §4.1.11).
    pub(super) fn read(token: &'a str, config: &Config) -> Result<Self, ProviderError> {
        if token.len() > MAX_TOKEN {
            return Err(rejected("the token is larger than 256 KiB"));
        }
        if token.bytes().filter(|b| *b == b'.').count() == 4 {
            return Err(rejected("the token is encrypted; the provider must only sign it"));
        }
        let parts = UnverifiedJws::read(token).ok_or_else(|| {
            rejected("the token has not the header, payload and signature of a JWT")
        })?;
        let header = parts.header().ok_or_else(|| {
            rejected("the token's header is not acceptable: it is not JSON with an alg")
        })?;
        let known = |algorithm: &Algorithm| config.signing_algorithms.contains(algorithm);
        let Some(algorithm) = Algorithm::parse(header.algorithm()).filter(known) else {
            let alg = one_line(header.algorithm(), 40);
            return Err(rejected(format!(
                "the token is signed with {alg}, which signing_algorithms does not list"
            )));
        };
        if header.is_critical() {
            return Err(rejected("the token's header has crit"));
        }
        Ok(Self { token, parts, header, algorithm })
    }

    /// Checks the signature with the keys that may have made it.
    pub(super) fn verify(&self, keys: &KeySet) -> Result<Signed, NotSigned> {
        let candidates = keys.candidates(self.header.kid.as_deref(), self.algorithm);
        let (Candidates::Named(tried) | Candidates::Unnamed(tried)) = &candidates;
        let mut problem = None;
        for key in tried {
            match self.claims_signed_by(&key.decoding) {
                Ok(claims) => {
                    let (algorithm, typ) = (self.algorithm, self.header.typ.clone());
                    return Ok(Signed { claims, algorithm, typ });
                }
                Err(error) => problem = Some(error.to_string()),
            }
        }
        match (problem, &candidates) {
            (Some(problem), Candidates::Named(_)) => {
                Err(NotSigned::Rightly(one_line(&problem, 200)))
            }
            _ => Err(NotSigned::ByAKnownKey),
        }
    }

    /// The claims are read once the signature is right, and checked afterwards with our own clock.
    fn claims_signed_by(&self, key: &DecodingKey) -> Result<Claims, jsonwebtoken::errors::Error> {
        let UnverifiedJws { signed, signature } = self.parts;
        if !crypto::verify(signature, signed.as_bytes(), key, self.algorithm.jose())? {
            return Err(ErrorKind::InvalidSignature.into());
        }
        insecure_decode_claims::<UniqueMembers>(self.token).map(|claims| claims.0)
    }
}

impl From<NotSigned> for ProviderError {
    fn from(problem: NotSigned) -> Self {
        match problem {
            NotSigned::ByAKnownKey => {
                rejected("the token is signed with a key that is not in the provider's key set")
            }
            NotSigned::Rightly(problem) => rejected(format!("the token is not valid: {problem}")),
        }
    }
}

/// RFC 7519 §4: a claim that appears twice could be read differently by others.
struct UniqueMembers(Claims);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut claims = Claims::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(de::Error::custom("a claim appears twice"));
            }
        }
        Ok(UniqueMembers(claims))
    }
}
