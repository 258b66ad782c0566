//! Answers that keep coming: watching them, counting them, reading their events.

pub(crate) mod guarded;
pub(crate) mod heartbeat;
pub(crate) mod ids;
mod mark;
pub(crate) mod outline;
pub(crate) mod strays;
pub(crate) mod waiting;

pub(crate) use guarded::{Ending, Guarded};
