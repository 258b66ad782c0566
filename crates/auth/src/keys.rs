//! Signing keys: made once, sealed in the database, opened at start (KY-1 to KY-7).

mod recent;
mod ring;
mod signer;

pub(crate) use recent::RecentlySigned;
pub(crate) use ring::KeyRing;
pub use ring::KeyRingError;
