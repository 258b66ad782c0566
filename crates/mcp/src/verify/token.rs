//! The JWT itself: RFC 9068 §4 and RFC 8725, as narrow as our own issuer's tokens are.

use std::collections::HashSet;
use std::fmt;

use jsonwebtoken::Algorithm;
use kernel::encoding::from_base64url;
use protocol::token::{ACCESS_TOKEN_TYPE, AccessClaims};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::keys::Key;

/// A token that was taken apart. Nothing in it is true yet.
pub(super) struct Unverified<'a> {
    header: Header,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The claims of a token whose signature is good.
pub(super) struct Signed {
    pub(super) claims: AccessClaims,
    pub(super) not_before: Option<i64>,
}

/// The header of our issuer's tokens holds exactly these members, so any other is a reason to
/// refuse: `crit`, `b64`, `zip` change what the token means, and `jwk`, `jku`, `x5c`, `x5u` would
/// have us trust a key that the token brings along (RFC 8725 §3.10). Serde refuses repeated ones.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// `nbf` is no claim of our issuer, but RFC 7519 §4.1.5 wants it obeyed where it stands.
#[derive(serde::Deserialize)]
struct NotBefore {
    #[serde(default, deserialize_with = "never_null")]
    nbf: Option<i64>,
}

const MAX_KEY_ID_LENGTH: usize = 128;

impl<'a> Unverified<'a> {
    /// Takes a compact JWS apart. `None` for anything else, a JWE with its five parts included.
    pub(super) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') || signature.is_empty() {
            return None;
        }
        let header: Header = serde_json::from_slice(&from_base64url(header)?).ok()?;
        header.is_ours().then_some(Self { header, signed, payload, signature })
    }

    /// The id of the key that it claims to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.header.kid
    }

    /// Checks the signature, then reads the claims.
    ///
    /// The algorithm is the key's, never the token's. A signature whose `s` is in the upper half
    /// is valid (RFC 7518 §3.4 does not ask for the lower one).
    pub(super) fn verify(&self, key: &Key) -> Option<Signed> {
        let signed = self.signed.as_bytes();
        let good =
            jsonwebtoken::crypto::verify(self.signature, signed, key.decoding(), Algorithm::ES256);
        if !matches!(good, Ok(true)) {
            return None;
        }
        let payload = from_base64url(self.payload)?;
        let _: UniqueMembers = serde_json::from_slice(&payload).ok()?;
        let claims: AccessClaims = serde_json::from_slice(&payload).ok()?;
        let NotBefore { nbf } = serde_json::from_slice(&payload).ok()?;
        Some(Signed { claims, not_before: nbf })
    }
}

impl Header {
    /// RFC 9068 §4: the type keeps ID tokens, logout tokens and every other JWT out.
    fn is_ours(&self) -> bool {
        let typ = self.typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        self.alg == "ES256" && typ == ACCESS_TOKEN_TYPE && self.kid.len() <= MAX_KEY_ID_LENGTH
    }
}

fn never_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// A JSON object in which no member appears twice (RFC 7519 §4).
struct UniqueMembers;

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
        let mut seen = HashSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if !seen.insert(name) {
                return Err(de::Error::custom("a member appears twice"));
            }
        }
        Ok(UniqueMembers)
    }
}
