//! The provider's public keys (RFC 7517).

use serde::Deserialize;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::jwk::{self, Jwk, Kind};

/// Keys that can verify signatures.
pub(super) struct KeySet {
    keys: Vec<Jwk>,
    faults: Vec<Fault>,
}

/// A key that could not be read.
pub(super) struct Fault {
    /// Which one, for the operator.
    pub(super) key: String,
    pub(super) problem: String,
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
        let mut set = Self { keys: Vec::new(), faults: Vec::new() };
        for (index, unverified) in document.keys.iter().take(MAX_KEYS).enumerate() {
            match Jwk::read(unverified) {
                Ok(key) => set.keys.extend(key),
                Err(problem) => {
                    set.faults.push(Fault { key: jwk::name(unverified, index + 1), problem });
                }
            }
        }
        set
    }
}

impl KeySet {
    /// The keys that may have made this signature. A token that names its key gets that one tried,
    /// and no other that has a name; a key without a name may be anybody's that is for the
    /// algorithm (RFC 7517 §4.5: `kid` is optional on both sides).
    pub(super) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Candidates<'_> {
        let fitting = self.keys.iter().filter(|key| key.is_for(algorithm));
        let Some(id) = id else { return Candidates::Unnamed(fitting.collect()) };
        let named: Vec<_> = fitting.clone().filter(|key| key.id.as_deref() == Some(id)).collect();
        if named.is_empty() {
            Candidates::Unnamed(fitting.filter(|key| key.id.is_none()).collect())
        } else {
            Candidates::Named(named)
        }
    }

    /// Whether any key is for this algorithm.
    pub(super) fn has_one_for(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.is_for(algorithm))
    }

    /// The keys that could not be read.
    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// The keys to try.
pub(super) enum Candidates<'a> {
    /// Those that the token names: one of them made the signature, or nobody did.
    Named(Vec<&'a Jwk>),
    /// Those that it does not tell apart: the right one may be newer than the set.
    Unnamed(Vec<&'a Jwk>),
}

impl Jwk {
    /// The key's kind decides what it verifies, never the token (RFC 8725 §3.1): a public RSA key
    /// taken for an HMAC secret is the classic confusion.
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Es256 => Kind::P256,
            Algorithm::Es384 => Kind::P384,
            Algorithm::EdDsa => Kind::Ed25519,
            _ => Kind::Rsa,
        };
        self.kind == kind && self.only.as_deref().is_none_or(|only| only == algorithm.name())
    }
}
