//! Signing keys: made, sealed in the database, opened at start, and replaced in time (KY-1 to KY-9).

mod recent;
mod reseal;
mod ring;
mod signer;
mod tend;
mod verifier;

pub(crate) use recent::RecentlySigned;
pub use reseal::{Reseal, Resealed};
pub(crate) use ring::KeyRing;
pub use ring::{KeyRingError, new_key, opens};
pub use tend::SPREAD_SECONDS;
