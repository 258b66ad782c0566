//! What came for one request and was not fetched yet, in bounded memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::mcp::{LOG_MESSAGE, PROGRESS};
use tokio::sync::Notify;

use crate::connection::{ConnectionError, Kind, ServerMessage};

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
    queue: VecDeque<Result<ServerMessage, ConnectionError>>,
    bytes: usize,
    /// Reports that found no room.
    left_out: u64,
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
    /// Puts in a message that others follow. One alone may be of any size. Where there is no room,
    /// the oldest reports of progress and log messages make some: whoever does not fetch them so
    /// fast can do without them, but not without the answer.
    pub(super) fn put(&self, heard: ServerMessage) -> Result<(), Crammed> {
        {
            let mut kept = self.0.lock();
            while kept.is_full_for(&heard) {
                if !kept.leave_out_a_report() {
                    if !is_report(&heard) {
                        return Err(Crammed);
                    }
                    kept.left_out += 1;
                    return Ok(());
                }
            }
            kept.bytes += heard.text.len();
            kept.queue.push_back(Ok(heard));
        }
        self.0.came.notify_one();
        Ok(())
    }

    /// Puts in what comes last; there is always room for that.
    pub(super) fn finish(self, last: Result<ServerMessage, ConnectionError>) {
        {
            let mut kept = self.0.lock();
            kept.queue.push_back(last);
            kept.over = true;
            if kept.left_out > 0 {
                let left_out = kept.left_out;
                tracing::warn!(
                    left_out,
                    "mcp.connection.reports_left_out: the client fetched too slowly"
                );
            }
        }
        self.0.came.notify_one();
    }
}

impl Mailbox {
    /// The next message; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Result<ServerMessage, ConnectionError>> {
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

impl Kept {
    fn is_full_for(&self, heard: &ServerMessage) -> bool {
        let full = self.queue.len() >= MESSAGES || self.bytes + heard.text.len() > BYTES;
        full && !self.queue.is_empty()
    }

    fn leave_out_a_report(&mut self) -> bool {
        let report =
            |kept: &Result<ServerMessage, ConnectionError>| kept.as_ref().is_ok_and(is_report);
        let oldest = self.queue.iter().position(report).and_then(|at| self.queue.remove(at));
        let Some(Ok(oldest)) = oldest else { return false };
        self.bytes = self.bytes.saturating_sub(oldest.text.len());
        self.left_out += 1;
        true
    }
}

/// Whether it only tells how a request is getting on.
fn is_report(heard: &ServerMessage) -> bool {
    let Kind::Notification { method } = &heard.kind else { return false };
    matches!(&**method, PROGRESS | LOG_MESSAGE)
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

    fn heard(size: usize) -> ServerMessage {
        let text = format!("{{\"method\":\"{}\"}}", "m".repeat(size));
        ServerMessage::read(Bytes::from(text)).unwrap()
    }

    /// A burst of reports costs some of them, the oldest first, and never a question or the answer.
    #[tokio::test]
    async fn reports_make_room_for_what_counts() {
        let (slot, mut mailbox) = mailbox();
        let report = |n: usize| {
            let params = format!("{{\"level\":\"info\",\"data\":{n}}}");
            let text = format!("{{\"method\":\"notifications/message\",\"params\":{params}}}");
            ServerMessage::read(Bytes::from(text)).unwrap()
        };
        let question =
            ServerMessage::read(Bytes::from_static(b"{\"id\":1,\"method\":\"ping\"}")).unwrap();
        slot.put(question.clone()).unwrap();
        for n in 0..3 * MESSAGES {
            slot.put(report(n)).unwrap();
        }
        slot.put(question.clone()).unwrap();
        slot.finish(Err(ConnectionError::Broken));
        let mut came = Vec::new();
        while let Some(Ok(heard)) = mailbox.next().await {
            came.push(String::from_utf8_lossy(&heard.text).into_owned());
        }
        assert_eq!(came.len(), MESSAGES);
        assert!(came[0].contains("ping") && came[MESSAGES - 1].contains("ping"));
        let last = format!(":{}}}", 3 * MESSAGES - 1);
        assert!(came[MESSAGES - 2].contains(&last), "{}", came[MESSAGES - 2]);
    }

    /// Where nothing but reports is too large, there is room for the next all the same.
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
        slot.finish(Err(ConnectionError::Broken));
        for _ in 0..MESSAGES {
            mailbox.next().await.unwrap().unwrap();
        }
        assert_eq!(mailbox.next().await.unwrap().unwrap_err(), ConnectionError::Broken);
        assert!(mailbox.next().await.is_none());
    }
}
