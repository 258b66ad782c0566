//! What goes over the wire to an upstream and comes back: JSON that is spliced and not written anew,
//! server-sent events, and the generations of the protocol.

pub(crate) mod ambiguity;
mod body;
mod era;
pub(crate) mod events;
pub(crate) mod handshake;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod line_ends;
pub(crate) mod reader;
pub(crate) mod splitter;

pub use body::BodyError;
pub(crate) use body::{Arriving, broke_off, whole};
pub(crate) use era::Era;
