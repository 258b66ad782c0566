//! The ground everything stands on: time, chance, typed ids, secret values and sealing.
//!
//! Nothing here does I/O and nothing here knows OAuth or MCP. Time and randomness are parameters
//! everywhere above this crate, so that tests can advance a clock instead of sleeping and so that
//! a reader can see where chance enters.

pub mod clock;
pub mod encoding;
pub mod id;
pub mod per_thread;
pub mod random;
mod rfc3339;
pub mod seal;
pub mod secret;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use id::Id;
pub use per_thread::PerThread;
pub use random::{OsRandom, SecureRandom};
pub use secret::{Hashed, Plain, Redacted};
