//! The JWT itself: RFC 9068 §4 and RFC 8725, as narrow as our own issuer's tokens are.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use protocol::token::AccessClaims;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::access::keys::Key;

/// A token whose header looks like ours. Nothing in it is true yet.
pub(super) struct Unverified<'a> {
    token: &'a str,
    key_id: String,
}

/// The claims of a token whose signature is good.
pub(super) struct Signed {
    pub(super) claims: AccessClaims,
    pub(super) not_before: Option<i64>,
}

/// `nbf` is no claim of our issuer, but RFC 7519 §4.1.5 wants it obeyed where it stands.
#[derive(serde::Deserialize)]
struct NotBefore {
    #[serde(default, deserialize_with = "never_null")]
    nbf: Option<i64>,
}

const MAX_KEY_ID_LENGTH: usize = 128;

/// The algorithm is fixed here and the key is one for it, so the token has no say (RFC 8725 §3.1).
/// Claims are judged by the permit, with the clock and the names of this server.
static SIGNATURE_ONLY: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = HashSet::new();
    validation
});

impl<'a> Unverified<'a> {
    /// Reads the header of a compact JWS. `None` for anything else, a JWE with its five parts
    /// included.
    ///
    /// The header of our issuer's tokens holds `alg`, `typ` and `kid` and nothing more, so any
    /// other member is a reason to refuse: `crit`, `b64`, `zip` change what the token means, and
    /// `jwk`, `jku`, `x5c`, `x5u` would have us trust a key that the token brings along
    /// (RFC 8725 §3.10).
    pub(super) fn read(token: &'a str, typ: &str) -> Option<Self> {
        let header = decode_header(token).ok()?;
        let expected = Header {
            typ: header.typ.clone(),
            kid: header.kid.clone(),
            ..Header::new(Algorithm::ES256)
        };
        let ours = header == expected && is_type(header.typ.as_deref()?, typ);
        let key_id = header.kid.filter(|id| id.len() <= MAX_KEY_ID_LENGTH)?;
        ours.then_some(Self { token, key_id })
    }

    /// The id of the key that it claims to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The payload of a token that the issuer signed in this process: nobody else has its text.
    pub(super) fn payload_as_signed(&self) -> Option<Box<RawValue>> {
        insecure_decode_claims(self.token).ok()
    }

    /// Checks the signature and returns the payload, an object without repeated members.
    ///
    /// A signature whose `s` is in the upper half is valid (RFC 7518 §3.4 does not ask for the
    /// lower one).
    pub(super) fn payload(&self, key: &Key) -> Option<Box<RawValue>> {
        let payload = decode::<Box<RawValue>>(self.token, key.decoding(), &SIGNATURE_ONLY).ok()?;
        let _: UniqueMembers = serde_json::from_str(payload.claims.get()).ok()?;
        Some(payload.claims)
    }
}

impl Signed {
    /// Reads the claims of an access token.
    pub(super) fn read(payload: &RawValue) -> Option<Self> {
        let claims: AccessClaims = serde_json::from_str(payload.get()).ok()?;
        let NotBefore { nbf } = serde_json::from_str(payload.get()).ok()?;
        Some(Self { claims, not_before: nbf })
    }
}

/// RFC 9068 §4: the type keeps ID tokens, logout tokens and every other JWT out.
fn is_type(given: &str, wanted: &str) -> bool {
    let given = given.to_ascii_lowercase();
    given.strip_prefix("application/").unwrap_or(&given) == wanted
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
