//! The keys that exist, which of them signs, and the public set.

use std::sync::{Arc, RwLock};

use bytes::Bytes;
use kernel::seal::SealingKey;
use kernel::{SecureRandom, Timestamp};
use model::{KeyState, SigningKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::unit::EnsureSigningKey;
use store::{Store, StoreError};

use super::signer::{ALG, BadKey, CannotSign, FreshKey, Signer};
use super::verifier::Verifier;
use crate::config::Config;

/// The authorization server's keys.
pub(crate) struct KeyRing(RwLock<Arc<Opened>>);

struct Opened {
    /// Missing where the key that signed was withdrawn and the one in its place cannot be opened.
    signer: Option<Arc<Signer>>,
    verifier: Verifier,
    jwks: Bytes,
}

/// Why the signing keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The database does not answer.
    #[error("the signing keys cannot be read")]
    Store(#[from] StoreError),
    /// T-KEY-07: the key-encryption key is another one, or the row was damaged.
    #[error(
        "the signing key {kid} cannot be opened: it was sealed under the key-encryption key \
         {sealed_by}, and none of the configured keys ({configured}) is it or opens it. Put the \
         right key into oauth.key_encryption_key or oauth.old_key_encryption_keys"
    )]
    CannotOpen {
        /// Which signing key.
        kid: String,
        /// The name of the key that sealed it.
        sealed_by: String,
        /// The names of the keys that are configured.
        configured: String,
    },
    /// The key material is not usable.
    #[error("the signing key {kid} cannot be used: {problem}")]
    Unusable {
        /// Which signing key.
        kid: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing signs.
    #[error("there is no active signing key")]
    NoneActive,
}

#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<&'a RawValue>,
}

impl KeyRing {
    /// Opens the keys. On the very first start one is made, and the database lets only one
    /// replica win (KY-7).
    pub(crate) async fn open(
        config: &Config,
        store: &Store,
        now: Timestamp,
        random: &dyn SecureRandom,
    ) -> Result<Self, KeyRingError> {
        let mut reader = store.read().await?;
        let mut keys = store::signing_key::all(reader.conn()).await?;
        drop(reader);
        if !keys.iter().any(|key| key.state == KeyState::Active) {
            let candidate = new_key(&config.key_encryption_key, now, random)?;
            keys = store.write(EnsureSigningKey { candidate }).await?;
        }
        Ok(Self(RwLock::new(Arc::new(open_all(config, &keys)?))))
    }

    /// Reads the keys again after somebody changed them. If not all of them can be used, those that were
    /// withdrawn are not used any more all the same, and the caller has to try again.
    pub(crate) async fn reload(&self, config: &Config, store: &Store) -> Result<(), KeyRingError> {
        let mut reader = store.read().await?;
        let keys = store::signing_key::all(reader.conn()).await?;
        drop(reader);
        match open_all(config, &keys) {
            Ok(opened) => self.put(opened),
            Err(error) => {
                self.put(self.without_withdrawn(&keys)?);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The keys that are still published, and the signer, if its key is one of them.
    fn without_withdrawn(&self, keys: &[SigningKey]) -> Result<Opened, KeyRingError> {
        let stays = |signer: &Arc<Signer>| {
            keys.iter().any(|key| key.kid == signer.kid() && key.state != KeyState::Retired)
        };
        Ok(Opened {
            signer: self.current().signer.clone().filter(stays),
            verifier: Verifier::new(keys).map_err(unusable("(stored)"))?,
            jwks: key_set(keys)?,
        })
    }

    fn put(&self, opened: Opened) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(opened);
    }

    /// The public key set (KY-2).
    pub(crate) fn jwks(&self) -> Bytes {
        self.current().jwks.clone()
    }

    /// Signs with the active key.
    pub(crate) fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, CannotSign> {
        self.current().signer.as_ref().ok_or(CannotSign)?.sign(typ, claims)
    }

    /// The claims of a JWT of this type that was signed with one of the keys. Expiry is not looked
    /// at.
    pub(crate) fn verify<C: DeserializeOwned>(&self, typ: &str, token: &str) -> Option<C> {
        self.current().verifier.verify(typ, token)
    }

    fn current(&self) -> Arc<Opened> {
        Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The associated data of a sealed private key: it opens in its own row and column only (KY-5).
pub(super) fn place(kid: &str) -> String {
    format!("OAUTH_SIGNING_KEY/private_sealed/{kid}/{ALG}")
}

/// Makes a signing key, sealed under this key-encryption key. It is not stored yet.
///
/// # Errors
///
/// The random number generator failed.
pub fn new_key(
    seal: &SealingKey,
    now: Timestamp,
    random: &dyn SecureRandom,
) -> Result<SigningKey, KeyRingError> {
    let fresh = FreshKey::generate().map_err(unusable("(new)"))?;
    Ok(SigningKey {
        private_sealed: seal.seal(&fresh.private_pkcs8, &place(&fresh.kid), random),
        sealed_by: seal.id(),
        kid: fresh.kid,
        alg: ALG.to_owned(),
        public_jwk: fresh.public_jwk,
        state: KeyState::Active,
        created_at: now,
        changed_at: now,
    })
}

/// Whether every key that is in use opens, and one of them signs.
pub(super) fn can_open(config: &Config, keys: &[SigningKey]) -> Result<(), KeyRingError> {
    open_all(config, keys).map(drop)
}

/// Whether one of these key-encryption keys opens a signing key.
pub fn opens<'k>(seals: impl IntoIterator<Item = &'k SealingKey>, key: &SigningKey) -> bool {
    seals.into_iter().any(|seal| seal.open(&key.private_sealed, &place(&key.kid)).is_ok())
}

fn open_all(config: &Config, keys: &[SigningKey]) -> Result<Opened, KeyRingError> {
    let mut signer = None;
    for key in keys.iter().filter(|key| key.state != KeyState::Retired) {
        let opened = open_one(config, key)?;
        if key.state == KeyState::Active {
            signer = Some(opened);
        }
    }
    let signer = signer.ok_or(KeyRingError::NoneActive)?;
    let verifier = Verifier::new(keys).map_err(unusable("(stored)"))?;
    Ok(Opened { signer: Some(Arc::new(signer)), verifier, jwks: key_set(keys)? })
}

/// Each key that is still in use must open, so that a wrong key-encryption key is found at start
/// and not at the next rotation.
fn open_one(config: &Config, key: &SigningKey) -> Result<Signer, KeyRingError> {
    let ring: Vec<&SealingKey> = std::iter::once(&config.key_encryption_key)
        .chain(&config.old_key_encryption_keys)
        .collect();
    let private = ring
        .iter()
        .filter(|seal| seal.id() == key.sealed_by)
        .find_map(|seal| seal.open(&key.private_sealed, &place(&key.kid)).ok())
        .ok_or_else(|| KeyRingError::CannotOpen {
            kid: key.kid.clone(),
            sealed_by: key.sealed_by.clone(),
            configured: ring.iter().map(|seal| seal.id()).collect::<Vec<_>>().join(", "),
        })?;
    Signer::open(key.kid.clone(), &private).map_err(unusable(&key.kid))
}

fn key_set(keys: &[SigningKey]) -> Result<Bytes, KeyRingError> {
    let public: Vec<(&str, Box<RawValue>)> = keys
        .iter()
        .filter(|key| key.state != KeyState::Retired)
        .map(|key| RawValue::from_string(key.public_jwk.clone()).map(|jwk| (&*key.kid, jwk)))
        .collect::<Result<_, _>>()
        .map_err(|_| unusable("(stored)")(BadKey("its public JWK is not JSON")))?;
    let set = KeySet { keys: public.iter().map(|(_, jwk)| &**jwk).collect() };
    serde_json::to_vec(&set)
        .map(Bytes::from)
        .map_err(|_| unusable("(set)")(BadKey("the set has no JSON form")))
}

fn unusable(kid: &str) -> impl Fn(BadKey) -> KeyRingError {
    let kid = kid.to_owned();
    move |problem| KeyRingError::Unusable { kid: kid.clone(), problem: problem.to_string() }
}
