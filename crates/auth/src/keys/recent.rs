//! Access tokens that this process signed of late, so that a sidecar in the same process need not check
//! their signatures.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::encoding::sha256;

/// The SHA-256 of each token. The tokens themselves are kept nowhere.
pub(crate) struct RecentlySigned(Mutex<Generations>);

/// The latest are in `new`; once there are enough of them, those before them go. A cache would keep what
/// it thinks will be asked for again, and nothing is: what is never asked for must not stay.
#[derive(Default)]
struct Generations {
    new: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

/// Most tokens are used at once, and first at that. Each takes some 60 bytes here.
const KEPT: usize = 1 << 14;

impl RecentlySigned {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    pub(crate) fn note(&self, token: &str) {
        let digest = sha256(token.as_bytes());
        let mut signed = self.signed();
        if signed.new.len() >= KEPT / 2 {
            signed.old = std::mem::take(&mut signed.new);
        }
        signed.new.insert(digest);
    }

    /// Whether the token with this digest is one of them. It is forgotten by that: whoever asked knows it
    /// now, and what was used must not take the place of what was not.
    pub(crate) fn take(&self, digest: &[u8; 32]) -> bool {
        let mut signed = self.signed();
        signed.new.remove(digest) || signed.old.remove(digest)
    }

    fn signed(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        // However many were used, or never came, those that are new are known.
        for round in 0..20 {
            let tokens = round * 2000..(round + 1) * 2000;
            tokens.clone().for_each(|number| recent.note(&token(number)));
            assert!(tokens.step_by(2).all(known), "round {round}");
        }
    }
}
