//! The demo server over real HTTP on loopback, in both protocol generations.
#![expect(clippy::unwrap_used, reason = "tests")]

mod calls;
mod catalogue;
mod gate;
mod harness;
mod permissions;
mod progress;
