//! Token Status List: one bit for each grant, 1 for revoked.
//!
//! Grants are numbered in order; list `n` holds the numbers from `n * BITS_PER_LIST` on.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

/// How many grants share one list: 16 KiB of bits, a few hundred bytes compressed.
pub const BITS_PER_LIST: u64 = 131_072;

const BYTES_PER_LIST: usize = 16_384;

/// The `typ` header of a status list token.
pub const STATUS_LIST_TYPE: &str = "statuslist+jwt";

/// What there is to know of the tokens whose grants are numbered in one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    /// One bit for each grant.
    pub bits: StatusBits,
    /// Ids of access tokens that were revoked alone, while their grants go on (RFC 7009). Each is
    /// here until it would have expired.
    pub revoked_tokens: HashSet<String>,
}

/// The bits of one list.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusBits(Vec<u8>);

/// The claims of a status list token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusListClaims {
    /// The list's URL.
    pub sub: String,
    /// The issuer.
    pub iss: String,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// Seconds since the epoch after which it must not be used.
    pub exp: i64,
    /// Seconds for which it may be kept.
    pub ttl: i64,
    /// The list itself.
    pub status_list: CompressedList,
    /// A claim of our own: the ids of access tokens that were revoked alone.
    #[serde(default, skip_serializing_if = "HashSet::is_empty")]
    pub revoked_tokens: HashSet<String>,
}

/// A list as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompressedList {
    /// Bits per status: always 1 here.
    pub bits: u8,
    /// The bits, least significant first, DEFLATE in ZLIB format, base64url.
    pub lst: String,
}

/// The compressed list is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the status list cannot be read")]
pub struct MalformedList;

/// The list and the bit in it for the grant with this number.
pub fn place_of(status_index: u64) -> (u64, u32) {
    let within = u32::try_from(status_index % BITS_PER_LIST).unwrap_or_default();
    (status_index / BITS_PER_LIST, within)
}

impl StatusList {
    /// A list in which nothing is revoked.
    pub fn clear() -> Self {
        Self { bits: StatusBits::clear(), revoked_tokens: HashSet::new() }
    }

    /// Whether the token with this id, of the grant with this bit, has ended.
    pub fn has_ended(&self, idx: u32, token: &str) -> bool {
        self.bits.is_revoked(idx) || self.revoked_tokens.contains(token)
    }
}

impl StatusBits {
    /// A list in which nothing is revoked.
    pub fn clear() -> Self {
        Self(vec![0; BYTES_PER_LIST])
    }

    /// Marks a bit. Indices beyond the list are ignored.
    pub fn revoke(&mut self, idx: u32) {
        if let Some(byte) = self.0.get_mut(idx as usize / 8) {
            *byte |= 1 << (idx % 8);
        }
    }

    /// Whether a bit is set. An index beyond the list counts as revoked: fail closed.
    pub fn is_revoked(&self, idx: u32) -> bool {
        self.0.get(idx as usize / 8).is_none_or(|byte| byte & (1 << (idx % 8)) != 0)
    }

    /// The form that travels.
    pub fn compress(&self) -> CompressedList {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        let compressed = encoder.write_all(&self.0).and_then(|()| encoder.finish());
        // Writing into a Vec cannot fail; an empty list would read as malformed, never as clear.
        let lst = kernel::encoding::base64url(&compressed.unwrap_or_default());
        CompressedList { bits: 1, lst }
    }

    /// Reads the form that travels. Never inflates beyond the size of one list (T-DOS-04).
    pub fn decompress(list: &CompressedList) -> Result<Self, MalformedList> {
        let compressed = kernel::encoding::from_base64url(&list.lst).ok_or(MalformedList)?;
        let mut bits = Vec::with_capacity(BYTES_PER_LIST);
        ZlibDecoder::new(compressed.as_slice())
            .take(BYTES_PER_LIST as u64 + 1)
            .read_to_end(&mut bits)
            .map_err(|_| MalformedList)?;
        if list.bits == 1 && bits.len() == BYTES_PER_LIST {
            Ok(Self(bits))
        } else {
            Err(MalformedList)
        }
    }
}

impl std::fmt::Debug for StatusBits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let revoked: u32 = self.0.iter().map(|byte| byte.count_ones()).sum();
        write!(f, "StatusBits({revoked} revoked)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bits_survive_the_journey() {
        let mut bits = StatusBits::clear();
        for idx in [0, 7, 8, 131_071] {
            bits.revoke(idx);
        }
        let arrived = StatusBits::decompress(&bits.compress()).unwrap();
        assert!(arrived.is_revoked(0) && arrived.is_revoked(8) && arrived.is_revoked(131_071));
        assert!(!arrived.is_revoked(1));
        assert!(arrived.is_revoked(131_072), "beyond the list: fail closed");
    }

    #[test]
    fn bombs_and_rubbish_are_refused() {
        let big = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&vec![0; 10_000_000]).unwrap();
            kernel::encoding::base64url(&encoder.finish().unwrap())
        };
        for lst in [big, "AAAA".into(), String::new(), "!".into()] {
            assert!(StatusBits::decompress(&CompressedList { bits: 1, lst }).is_err());
        }
    }

    #[test]
    fn places_are_unique() {
        assert_eq!(place_of(0), (0, 0));
        assert_eq!(place_of(131_072), (1, 0));
        assert_eq!(place_of(131_073), (1, 1));
    }
}
