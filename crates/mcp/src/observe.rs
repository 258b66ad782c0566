//! What can be seen from outside: a line in the access log for each request, numbers, spans, and
//! the record of calls and denials.
//!
//! One [`RequestRecord`] goes with each request. What judges the request and what sends it on tell it
//! what they did, and it is finished in one place, also if the client goes away in between.

mod access;
mod audit;
mod facts;
mod meter;
mod pending_request;
mod queue;
mod refusals;
mod request_record;
mod request_summary;
mod trace;
mod verdict;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use kernel::SecureRandom;

use crate::config::{Audit, Observe, Spans};

pub(crate) use audit::report;
pub(crate) use meter::{Meter, ServerNumbers};
pub(crate) use pending_request::{PendingRequest, Waiting, Wanted};
pub(crate) use queue::Queue;
pub(crate) use request_record::{BAD_TOKEN, RequestRecord};
pub(crate) use verdict::{Decision, Verdict};

/// What all requests tell.
pub(crate) struct Observer {
    pub(crate) audit: Audit,
    pub(crate) spans: Option<Spans>,
    pub(crate) meter: Meter,
    pub(crate) queue: Queue,
    random: Arc<dyn SecureRandom>,
    /// Drawn for the first request: the first random bytes of a process take their time.
    process: OnceLock<[u8; 4]>,
    next: AtomicU64,
}

/// Names one request in the log, in spans and in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId {
    process: [u8; 4],
    number: u64,
}

impl Observer {
    pub(crate) fn new(
        observe: Observe,
        audit_entries: usize,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let Observe { audit, tool_labels, spans } = observe;
        let (meter, queue) = (Meter::new(tool_labels), Queue::new(audit_entries));
        let (process, next) = (OnceLock::new(), AtomicU64::new(1));
        Self { audit, spans, meter, queue, random, process, next }
    }

    fn next_request(&self) -> RequestId {
        let process = *self.process.get_or_init(|| {
            let mut process = [0; 4];
            self.random.fill(&mut process);
            process
        });
        RequestId { process, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", u32::from_be_bytes(self.process), self.number)
    }
}
