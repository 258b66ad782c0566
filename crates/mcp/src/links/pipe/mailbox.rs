//! What came for one request and was not fetched yet, in bounded memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::links::{Heard, LinkError};

/// The end at which messages come out.
pub(super) struct Mailbox(Arc<Shelf>);

/// The end at which they go in.
pub(super) struct Slot(Arc<Shelf>);

/// There is no room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crammed;

struct Shelf {
    kept: Mutex<Kept>,
    came: Notify,
}

#[derive(Default)]
struct Kept {
    queue: VecDeque<Result<Heard, LinkError>>,
    bytes: usize,
    over: bool,
}

const MESSAGES: usize = 256;
const BYTES: usize = 4 << 20;

/// Both ends of an empty one.
pub(super) fn mailbox() -> (Slot, Mailbox) {
    let shelf = Arc::new(Shelf { kept: Mutex::default(), came: Notify::new() });
    (Slot(Arc::clone(&shelf)), Mailbox(shelf))
}

impl Slot {
    /// Puts in a message that others follow. One alone may be of any size.
    pub(super) fn put(&self, heard: Heard) -> Result<(), Crammed> {
        let size = heard.text.len();
        {
            let mut kept = self.0.lock();
            let full = kept.queue.len() >= MESSAGES || kept.bytes + size > BYTES;
            if full && !kept.queue.is_empty() {
                return Err(Crammed);
            }
            kept.bytes += size;
            kept.queue.push_back(Ok(heard));
        }
        self.0.came.notify_one();
        Ok(())
    }

    /// Puts in what comes last; there is always room for that.
    pub(super) fn finish(self, last: Result<Heard, LinkError>) {
        {
            let mut kept = self.0.lock();
            kept.queue.push_back(last);
            kept.over = true;
        }
        self.0.came.notify_one();
    }
}

impl Mailbox {
    /// The next message; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Result<Heard, LinkError>> {
        loop {
            {
                let mut kept = self.0.lock();
                if let Some(next) = kept.queue.pop_front() {
                    let size = next.as_ref().map_or(0, |heard| heard.text.len());
                    kept.bytes = kept.bytes.saturating_sub(size);
                    return Some(next);
                }
                if kept.over {
                    return None;
                }
            }
            self.0.came.notified().await;
        }
    }
}

impl Shelf {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn heard(size: usize) -> Heard {
        let text = format!("{{\"method\":\"{}\"}}", "m".repeat(size));
        Heard::read(Bytes::from(text)).unwrap()
    }

    #[tokio::test]
    async fn room_is_limited_and_the_last_always_fits() {
        let (slot, mut mailbox) = mailbox();
        slot.put(heard(BYTES + 1)).unwrap();
        assert_eq!(slot.put(heard(1)), Err(Crammed));
        mailbox.next().await.unwrap().unwrap();
        for _ in 0..MESSAGES {
            slot.put(heard(1)).unwrap();
        }
        assert_eq!(slot.put(heard(1)), Err(Crammed));
        slot.finish(Err(LinkError::Broken));
        for _ in 0..MESSAGES {
            mailbox.next().await.unwrap().unwrap();
        }
        assert_eq!(mailbox.next().await.unwrap().unwrap_err(), LinkError::Broken);
        assert!(mailbox.next().await.is_none());
    }
}
