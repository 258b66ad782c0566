//! The first events of a stream, which wait until one of them decides what becomes of it.

use std::collections::VecDeque;

use upstream::wire::events::Event;

/// Events that wait, in their order. A server may go on for as long as it likes without the one
/// that decides, so what they take is bounded in sum.
#[derive(Debug)]
pub(crate) struct Waiting {
    events: VecDeque<Event>,
    room: usize,
}

/// Too much waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overfull;

/// What an event takes beside its bytes, even if it is only a blank line.
const EACH: usize = 64;

impl Waiting {
    /// Room for so many bytes, and for one event more.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { events: VecDeque::new(), room: bytes }
    }

    /// Adds an event.
    pub(crate) fn put(&mut self, event: Event) -> Result<(), Overfull> {
        if self.room == 0 {
            return Err(Overfull);
        }
        self.room = self.room.saturating_sub(event.raw.len() + EACH);
        self.events.push_back(event);
        Ok(())
    }

    /// All that wait.
    pub(crate) fn into_events(self) -> VecDeque<Event> {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn fitting(raw: &'static [u8], room: usize) -> usize {
        let mut waiting = Waiting::new(room);
        while waiting.put(Event { raw: Bytes::from_static(raw) }).is_ok() {}
        waiting.into_events().len()
    }

    /// N21: neither large events nor many small ones take more than there is room for.
    #[test]
    fn what_waits_is_bounded_in_sum() {
        assert_eq!(fitting(b"\n", 10_000), 154);
        assert_eq!(fitting(&[b'x'; 936], 10_000), 10);
        assert_eq!(fitting(&[b'x'; 15_000], 10_000), 1);
    }
}
