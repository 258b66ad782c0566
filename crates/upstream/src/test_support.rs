//! For tests, here and in the crates above: an upstream whose connections the test makes itself, and
//! people who are a number.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::Upstream;
use crate::connection::Connection;
use crate::shares::Whose;

/// Makes the connections of a test.
pub type Script = Box<dyn Fn() -> Box<dyn Connection> + Send + Sync>;

impl Upstream {
    /// Gives the upstream these connections from now on, whatever its transport is.
    ///
    /// # Panics
    ///
    /// The second time.
    pub fn follow(&self, script: Script) {
        self.script.set(script).ok().unwrap();
    }
}

impl Whose {
    /// Somebody with one client.
    pub fn one(number: u8) -> Self {
        Self { principal: [number; 32], person: [number; 32] }
    }

    /// Another client of the same person.
    #[must_use]
    pub fn through(self, client: u8) -> Self {
        Self { principal: [client; 32], ..self }
    }
}
