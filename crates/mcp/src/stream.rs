//! Answers that keep coming: watching them, counting them, reading their events.

pub(crate) mod events;
pub(crate) mod guarded;
pub(crate) mod heartbeat;
pub(crate) mod ids;
mod line_ends;
mod mark;
pub(crate) mod openings;
pub(crate) mod outline;
pub(crate) mod pacing;
pub(crate) mod pulse;
pub(crate) mod reader;
mod slots;
pub(crate) mod splitter;
pub(crate) mod strays;
pub(crate) mod waiting;
pub(crate) mod wishes;

pub(crate) use guarded::{Ending, Guarded};
pub(crate) use pulse::Pulse;
pub(crate) use slots::{Slot, Slots};
