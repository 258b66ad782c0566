//! The provider's public keys (RFC 7517).

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::Algorithm;

/// Keys that can verify signatures.
pub(super) struct KeySet {
    keys: Vec<Key>,
}

/// One key.
pub(super) struct Key {
    id: Option<String>,
    kind: Kind,
    /// The only algorithm that it is for, if the set says so.
    only: Option<KeyAlgorithm>,
    pub(super) decoding: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A key set as it came. Its members are read one by one: what is unknown may stand among them.
#[derive(Deserialize)]
pub(super) struct Document {
    keys: Vec<Value>,
}

/// No real provider has more; each may have to be tried for a token that names none.
const MAX_KEYS: usize = 64;

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        let keys = document.keys.into_iter().take(MAX_KEYS).filter_map(Key::read).collect();
        Self { keys }
    }
}

impl KeySet {
    /// The keys that may have made this signature. A token that names its key gets no other one
    /// tried; one that names none may be from any that is for the algorithm.
    pub(super) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<&Key> {
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        self.keys.iter().filter(named).filter(|key| key.is_for(algorithm)).collect()
    }

    /// Whether any key is for this algorithm.
    pub(super) fn has_one_for(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.is_for(algorithm))
    }
}

impl Key {
    fn read(unverified: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(unverified).ok()?;
        let for_signatures = jwk
            .common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let may_verify = jwk
            .common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !for_signatures || !may_verify {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self {
            kind: Kind::of(&jwk.algorithm)?,
            id: jwk.common.key_id,
            only: jwk.common.key_algorithm,
            decoding,
        })
    }

    /// The key's kind decides what it verifies, never the token (RFC 8725 §3.1): a public RSA key
    /// taken for an HMAC secret is the classic confusion.
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Es256 => Kind::P256,
            Algorithm::Es384 => Kind::P384,
            Algorithm::EdDsa => Kind::Ed25519,
            _ => Kind::Rsa,
        };
        self.kind == kind && self.only.is_none_or(|only| only == algorithm.jose().into())
    }
}

impl Kind {
    fn of(parameters: &AlgorithmParameters) -> Option<Self> {
        match parameters {
            AlgorithmParameters::RSA(_) => Some(Self::Rsa),
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => Some(Self::P256),
                EllipticCurve::P384 => Some(Self::P384),
                _ => None,
            },
            AlgorithmParameters::OctetKeyPair(pair) => {
                (pair.curve == EllipticCurve::Ed25519).then_some(Self::Ed25519)
            }
            // A symmetric key in a public document is no secret.
            _ => None,
        }
    }
}
