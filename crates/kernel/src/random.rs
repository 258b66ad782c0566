//! Randomness as a parameter.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// A source of unpredictable bytes.
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes` with values that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's cryptographic random number generator.
#[derive(Debug, Default)]
pub struct OsRandom(SystemRandom);

impl OsRandom {
    /// A handle to the generator.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl SecureRandom for OsRandom {
    /// # Panics
    ///
    /// If the operating system cannot give random bytes: nothing safe can be done without them.
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system's random number generator works");
    }
}
