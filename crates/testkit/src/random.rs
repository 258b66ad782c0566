//! Values nobody can guess, for states, verifiers and names.

use kernel::encoding::base64url;
use kernel::{Chance as _, SystemChance};

/// 43 random base64url characters.
pub fn random() -> String {
    let mut bytes = [0; 32];
    SystemChance::new().fill(&mut bytes);
    base64url(&bytes)
}
