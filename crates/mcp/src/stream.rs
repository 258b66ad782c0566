//! Answers that keep coming: watching them, counting them, reading their events.

pub(crate) mod guarded;
pub(crate) mod heartbeat;
pub(crate) mod ids;
mod mark;
pub(crate) mod openings;
pub(crate) mod outline;
pub(crate) mod pulse;
mod slots;
pub(crate) mod strays;
pub(crate) mod waiting;
pub(crate) mod wishes;

pub(crate) use guarded::{Ending, Guarded};
pub(crate) use pulse::Pulse;
pub(crate) use slots::{Slot, Slots};
