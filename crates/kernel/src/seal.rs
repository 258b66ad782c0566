//! Sealing: AES-256-GCM with associated data that says where a value belongs.
//!
//! A sealed value opens only under the same key *and* the same associated data, so a blob cannot
//! be moved from one row, column or purpose to another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::encoding::{base64url, from_any_base64, from_base64url, sha256_base64url};
use crate::random::SecureRandom;

/// A 256-bit key that seals and opens.
pub struct SealingKey {
    key: LessSafeKey,
    bytes: Zeroizing<[u8; 32]>,
}

/// Why text is not a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not base64 in either alphabet.
    #[error("it is not base64; `wicketgate secret generate` prints a key in the right form")]
    NotBase64,
    /// Not 32 bytes.
    #[error("it has {0} bytes where 32 are needed; `wicketgate secret generate` prints one")]
    WrongLength(usize),
}

/// The sealed value does not open: another key, another place, or damage. Nothing more is known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the sealed value does not open with this key in this place")]
pub struct CannotOpen;

struct ThirtyTwo;

impl KeyType for ThirtyTwo {
    fn len(&self) -> usize {
        32
    }
}

impl SealingKey {
    /// A key from its 32 bytes.
    ///
    /// # Panics
    ///
    /// Never: AES-256 takes exactly 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, &bytes).expect("AES-256 takes 32 bytes");
        Self { key: LessSafeKey::new(unbound), bytes: Zeroizing::new(bytes) }
    }

    /// A key from base64 or base64url text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(from_any_base64(text.trim()).ok_or(KeyError::NotBase64)?);
        let bytes: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| KeyError::WrongLength(bytes.len()))?;
        Ok(Self::from_bytes(bytes))
    }

    /// A name for the key that tells nothing of its value.
    pub fn id(&self) -> String {
        let mut named = b"wicketgate key id:".to_vec();
        named.extend_from_slice(self.bytes.as_slice());
        let mut id = sha256_base64url(&Zeroizing::new(named));
        id.truncate(11);
        id
    }

    /// Another key, for one purpose, by HKDF-SHA256 (RFC 5869).
    ///
    /// # Panics
    ///
    /// Never: 32 bytes are far below HKDF's limit.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        derive_key(self.bytes.as_slice(), purpose)
    }

    /// The key's bytes, for a keyed hash.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Seals `plain`, bound to `place`. The result is base64url and differs on each call.
    ///
    /// # Panics
    ///
    /// Never: AES-GCM seals any text that fits in memory.
    pub fn seal(&self, plain: &[u8], place: &str, random: &dyn SecureRandom) -> String {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .expect("AES-GCM seals");
        base64url(&[nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`SealingKey::seal`] made for the same `place`.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let mut bytes = Zeroizing::new(from_base64url(sealed).ok_or(CannotOpen)?);
        let (nonce, _) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = Aad::from(place.as_bytes());
        let opened =
            self.key.open_within(nonce, place, &mut bytes, NONCE_LEN..).map_err(|_| CannotOpen)?;
        Ok(Zeroizing::new(opened.to_vec()))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealingKey({})", self.id())
    }
}

/// A sealing key derived from any high-entropy secret, such as a refresh token.
///
/// # Panics
///
/// Never: 32 bytes are far below HKDF's limit.
pub fn derive_key(secret: &[u8], purpose: &str) -> SealingKey {
    let mut bytes = [0; 32];
    Salt::new(HKDF_SHA256, b"wicketgate")
        .extract(secret)
        .expand(&[purpose.as_bytes()], ThirtyTwo)
        .and_then(|okm| okm.fill(&mut bytes))
        .expect("32 bytes are within HKDF's limit");
    SealingKey::from_bytes(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::OsRandom;

    #[test]
    fn opens_only_in_its_own_place_under_its_own_key() {
        let key = SealingKey::from_bytes([7; 32]);
        let sealed = key.seal(b"private", "OAUTH_SIGNING_KEY/k1", &OsRandom::new());
        assert_eq!(key.open(&sealed, "OAUTH_SIGNING_KEY/k1").unwrap().as_slice(), b"private");
        assert_eq!(key.open(&sealed, "OAUTH_SIGNING_KEY/k2").unwrap_err(), CannotOpen);
        assert!(SealingKey::from_bytes([8; 32]).open(&sealed, "OAUTH_SIGNING_KEY/k1").is_err());
    }

    /// T-KEY-05: any flipped bit is noticed.
    #[test]
    fn t_key_05_a_flipped_bit_does_not_open() {
        let key = SealingKey::from_bytes([7; 32]);
        let sealed = from_base64url(&key.seal(b"private", "here", &OsRandom::new())).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&base64url(&damaged), "here").is_err(), "bit {bit}");
        }
    }

    /// T-KEY-12: the nonce is new each time, also for the same text in the same place.
    #[test]
    fn t_key_12_nonces_are_unique() {
        const SEALED: usize = 100_000;
        // Twelve bytes are sixteen characters of base64.
        const NONCE_CHARACTERS: usize = NONCE_LEN / 3 * 4;
        let key = SealingKey::from_bytes([7; 32]);
        let random = OsRandom::new();
        let nonces: std::collections::HashSet<String> = (0..SEALED)
            .map(|_| {
                let mut sealed = key.seal(b"private", "here", &random);
                sealed.truncate(NONCE_CHARACTERS);
                sealed
            })
            .collect();
        assert_eq!(nonces.len(), SEALED);
    }

    #[test]
    fn either_base64_alphabet_and_exactly_32_bytes() {
        let bytes = [0xfb; 32];
        let standard = crate::encoding::base64(&bytes);
        let id = SealingKey::from_bytes(bytes).id();
        assert_eq!(SealingKey::parse(&standard).unwrap().id(), id);
        assert_eq!(SealingKey::parse(&base64url(&bytes)).unwrap().id(), id);
        assert_eq!(SealingKey::parse("c2hvcnQ").unwrap_err(), KeyError::WrongLength(5));
        assert_eq!(SealingKey::parse("not base64!").unwrap_err(), KeyError::NotBase64);
    }
}
