//! The name under which a verified token is kept.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use kernel::encoding::sha256;

/// The SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

/// Takes a digest for its own hash: it is spread evenly already, so hashing it once more with a
/// key would only cost time. Nobody can fill one bucket on purpose either: what is kept under a
/// digest is a token that our issuer signed, and a presented one that is not is only looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsItIs(u64);

/// Makes [`AsItIs`].
pub(super) type BuildAsItIs = BuildHasherDefault<AsItIs>;

impl Digest {
    /// The digest of a token.
    pub(super) fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let first = self.0.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        state.write_u64(first);
    }
}

impl Hasher for AsItIs {
    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }

    /// For anything but a digest, which nothing here hashes; correct, and slow.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    use super::*;

    /// Equal digests have equal hashes, others (as far as eight bytes of SHA-256 go) have not.
    #[test]
    fn a_digest_is_its_own_hash() {
        let hash = |token: &str| BuildAsItIs::default().hash_one(Digest::of(token));
        // SHA-256 of "abc", FIPS 180-4's own example.
        assert_eq!(hash("abc").to_le_bytes(), [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
        let hashes: HashSet<u64> = (0..1000).map(|n| hash(&format!("token {n}"))).collect();
        assert_eq!(hashes.len(), 1000);
    }
}
