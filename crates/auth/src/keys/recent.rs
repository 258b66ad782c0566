//! Access tokens that this process signed of late, so that a sidecar in the same process need not check
//! their signatures.

use kernel::encoding::sha256;
use quick_cache::sync::Cache;

/// The SHA-256 of each token. The tokens themselves are kept nowhere.
pub(crate) struct RecentlySigned(Cache<[u8; 32], ()>);

/// Most tokens are used at once, and first at that. Each takes some 60 bytes here.
const KEPT: usize = 1 << 14;

impl RecentlySigned {
    pub(crate) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    pub(crate) fn note(&self, token: &str) {
        self.0.insert(sha256(token.as_bytes()), ());
    }

    /// Whether the token with this digest is one of them. It is forgotten by that: whoever asked knows it
    /// now, and what was used must not take the place of what was not.
    pub(crate) fn take(&self, digest: &[u8; 32]) -> bool {
        self.0.remove(digest).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_to_its_last_byte_and_not_for_ever() {
        let recent = RecentlySigned::new();
        recent.note("one.two.three");
        assert!(!recent.take(&sha256(b"one.two.thref")));
        assert!(recent.take(&sha256(b"one.two.three")));
        assert!(!recent.take(&sha256(b"one.two.three")), "once");
        let token = |number| format!("token {number}");
        (0..3 * KEPT).for_each(|number| recent.note(&token(number)));
        let known = |number| recent.take(&sha256(token(number).as_bytes()));
        assert!((0..3 * KEPT).filter(|number| known(*number)).count() <= KEPT);
        // However many were used, those that are new are known.
        for round in 0..20 {
            let tokens = round * 1000..(round + 1) * 1000;
            tokens.clone().for_each(|number| recent.note(&token(number)));
            assert!(tokens.clone().all(known), "round {round}");
        }
    }
}
