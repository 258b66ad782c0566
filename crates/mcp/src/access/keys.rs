//! The issuer's public keys.

use std::sync::Arc;

use bytes::Bytes;
use jsonwebtoken::DecodingKey;
use kernel::Timestamp;
use serde::Deserialize;

/// The key set as it was at one moment.
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
    /// The document itself, for those who ask for it here.
    pub(crate) document: Bytes,
    /// When the authority gave it.
    pub(crate) obtained: Timestamp,
}

/// One ES256 key.
pub(crate) struct Key {
    id: String,
    point: (String, String),
    decoding: DecodingKey,
}

/// The document is not a key set.
#[derive(Debug, thiserror::Error)]
#[error("the key set cannot be read")]
pub(crate) struct MalformedKeys;

#[derive(Deserialize)]
struct Document {
    keys: Vec<UnverifiedJwk>,
}

/// The members that matter here (RFC 7517 §4, RFC 7518 §6.2.1). All may be missing: keys of other
/// kinds may stand in the same set.
#[derive(Deserialize)]
struct UnverifiedJwk {
    kid: Option<String>,
    kty: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys that are not for ES256 signatures are left out; one id for two
    /// different keys is an error, because nobody could tell which is meant.
    pub(crate) fn read(document: Bytes, obtained: Timestamp) -> Result<Self, MalformedKeys> {
        let read: Document = serde_json::from_slice(&document).map_err(|_| MalformedKeys)?;
        let keys: Vec<_> = read.keys.into_iter().filter_map(Key::read).map(Arc::new).collect();
        for (position, key) in keys.iter().enumerate() {
            if keys[..position].iter().any(|other| other.id == key.id) {
                return Err(MalformedKeys);
            }
        }
        Ok(Self { keys, document, obtained })
    }

    /// The key with this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Whether this very key is still in the set.
    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().any(|held| Arc::ptr_eq(held, key) || held.is_same(key))
    }
}

impl Key {
    fn read(unverified: UnverifiedJwk) -> Option<Self> {
        let es256 = unverified.kty.as_deref() == Some("EC")
            && unverified.crv.as_deref() == Some("P-256")
            && unverified.alg.is_none_or(|alg| alg == "ES256")
            && unverified.purpose.is_none_or(|purpose| purpose == "sig");
        let (id, x, y) = (unverified.kid?, unverified.x?, unverified.y?);
        let decoding = DecodingKey::from_ec_components(&x, &y).ok()?;
        es256.then_some(Self { id, point: (x, y), decoding })
    }

    /// The public key in the form that verifies.
    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// The generator of P-256, as a key that nobody signs with.
    #[cfg(test)]
    #[expect(clippy::unwrap_used, reason = "tests")]
    pub(super) fn without_issuer() -> Arc<Self> {
        let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
        let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
        let decoding = DecodingKey::from_ec_components(x, y).unwrap();
        Arc::new(Self { id: String::new(), point: (x.to_owned(), y.to_owned()), decoding })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.point == other.point
    }
}
