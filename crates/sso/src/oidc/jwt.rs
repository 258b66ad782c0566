//! A signed JWT of the provider: its header and its signature (RFC 7515, RFC 8725). What the
//! claims must say is for the two kinds of tokens to check.

use std::collections::HashSet;
use std::fmt;

use jsonwebtoken::{Header, Validation, decode, decode_header};
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
    header: Header,
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
        let header = decode_header(token).map_err(|error| {
            let error = one_line(&error.to_string(), 200);
            rejected(format!("the token's header is not acceptable: {error}"))
        })?;
        let known = |algorithm: &&Algorithm| algorithm.jose() == header.alg;
        let Some(algorithm) = config.signing_algorithms.iter().find(known).copied() else {
            let alg = header.alg;
            return Err(rejected(format!(
                "the token is signed with {alg:?}, which signing_algorithms does not list"
            )));
        };
        if header.crit.is_some() {
            return Err(rejected("the token's header has crit"));
        }
        Ok(Self { token, header, algorithm })
    }

    /// Checks the signature with the keys that may have made it.
    pub(super) fn verify(&self, keys: &KeySet) -> Result<Signed, NotSigned> {
        let candidates = keys.candidates(self.header.kid.as_deref(), self.algorithm);
        let (Candidates::Named(tried) | Candidates::Unnamed(tried)) = &candidates;
        let mut problem = None;
        for key in tried {
            match decode::<UniqueMembers>(self.token, &key.decoding, &self.signature_only()) {
                Ok(token) => {
                    return Ok(Signed {
                        claims: token.claims.0,
                        algorithm: self.algorithm,
                        typ: token.header.typ,
                    });
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

    /// Claims are checked afterwards, with our own clock.
    fn signature_only(&self) -> Validation {
        let mut validation = Validation::new(self.algorithm.jose());
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims = HashSet::new();
        validation
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
