//! Values nobody can guess, for states, verifiers and names.

use kernel::encoding::base64url;
use kernel::{OsRandom, SecureRandom as _};

/// 43 random base64url characters.
pub fn random() -> String {
    let mut bytes = [0; 32];
    OsRandom::new().fill(&mut bytes);
    base64url(&bytes)
}
