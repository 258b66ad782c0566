//! `wicketgate secret generate`.

use kernel::encoding::base64;
use kernel::{OsRandom, SecureRandom as _};

use crate::output;

/// Prints a fresh key.
pub(super) fn generate() {
    output::result(fresh());
}

/// 32 random bytes in base64.
pub(super) fn fresh() -> String {
    let mut bytes = [0; 32];
    OsRandom::new().fill(&mut bytes);
    base64(&bytes)
}
