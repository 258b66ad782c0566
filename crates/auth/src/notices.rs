//! What is to be on record and changed nothing in the database: it waits here for a moment and is
//! written with others, so that nobody makes this server write a row for each request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::Timestamp;
use model::{AuditEvent, AuditKind};
use store::StoreError;
use store::unit::RecordCalls;

use crate::server::AuthServer;

/// Events that wait at most. Fetches are limited, so more come only while the database is away.
const MOST: usize = 500;

/// Events that wait to be written.
#[derive(Default)]
pub(crate) struct Notices(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: Vec<AuditEvent>,
    /// How many more there would be.
    lost: u64,
}

impl Notices {
    /// Lets an event wait; beyond the bound it is counted only.
    pub(crate) fn note(&self, event: AuditEvent) {
        let mut waiting = self.waiting();
        if waiting.events.len() < MOST {
            waiting.events.push(event);
        } else {
            waiting.lost += 1;
        }
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting())
    }

    /// What could not be written waits on, before what came meanwhile.
    fn put_back(&self, taken: Waiting) {
        let mut waiting = self.waiting();
        let later = std::mem::replace(&mut *waiting, taken);
        let room = MOST.saturating_sub(waiting.events.len());
        waiting.lost += later.lost + later.events.len().saturating_sub(room) as u64;
        waiting.events.extend(later.events.into_iter().take(room));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Pushing does not stop half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// All of it, with the number of those that had no room.
    fn events(&self, now: Timestamp) -> Vec<AuditEvent> {
        let mut events = self.events.clone();
        if self.lost > 0 {
            let lost = self.lost;
            let detail = format!("{lost} events about documents and limits were not recorded");
            events.push(AuditEvent { detail, ..AuditEvent::new(AuditKind::LimitReached, now) });
        }
        events
    }
}

impl AuthServer {
    /// Notes which limits were reached since the last time, an event for each limit however many were
    /// refused.
    pub(crate) fn note_limits(&self) {
        for (what, refused) in self.throttle.take_refused() {
            let detail = format!("{what}: {refused} refused");
            let event = AuditEvent::new(AuditKind::LimitReached, self.now());
            self.documents.notices.note(AuditEvent { detail, ..event });
        }
    }

    /// Writes what waits. What cannot be written now waits on.
    pub(crate) async fn record_notices(&self) -> Result<(), StoreError> {
        let taken = self.documents.notices.take();
        let events = taken.events(self.now());
        if events.is_empty() {
            return Ok(());
        }
        let written = self.store.write(RecordCalls { events }).await;
        if written.is_err() {
            self.documents.notices.put_back(taken);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-LOG-05: what has no room is counted, and the count is on record.
    #[test]
    fn t_log_05_what_has_no_room_is_counted() {
        let (notices, now) = (Notices::default(), Timestamp::from_millis(0));
        for _ in 0..MOST + 7 {
            notices.note(AuditEvent::new(AuditKind::DocumentRead, now));
        }
        for _ in 0..3 {
            // It could not be written, and one more came meanwhile.
            let taken = notices.take();
            notices.note(AuditEvent::new(AuditKind::DocumentRead, now));
            notices.put_back(taken);
        }
        let events = notices.take().events(now);
        assert_eq!(events.len(), MOST + 1);
        assert!(events.last().is_some_and(|event| event.detail.starts_with("10 events")));
        assert!(notices.take().events(now).is_empty());
    }
}
