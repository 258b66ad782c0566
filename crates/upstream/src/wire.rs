//! What goes over the wire to an upstream and comes back: JSON that is spliced and not written anew,
//! server-sent events, and the generations of the protocol.

pub mod ambiguity;
mod body;
mod era;
pub mod events;
pub mod handshake;
pub mod headers;
pub mod json;
pub mod line_ends;
pub mod reader;
pub mod splitter;

pub use body::{Arriving, BodyError, broke_off, whole};
pub use era::Era;
