//! What waits to be recorded. It is bounded: a call that finds no room is counted instead, a
//! denial of somebody waits for room first, and one of nobody in particular never does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::Timestamp;
use protocol::audit::{CallEntry, Entry, Gap, MAX_REPORT_ENTRIES, Report};
use tokio::sync::Notify;

use super::refusals::Refusals;
use super::request_summary::RequestSummary;
use super::{RequestId, Verdict};
use crate::access::Permit;

/// The queue of one sidecar.
pub(crate) struct Queue {
    /// Entries that wait at most; calls leave an eighth of it to denials.
    capacity: usize,
    state: Mutex<State>,
    /// There is something to report.
    work: Notify,
    /// There is enough for a report.
    enough: Notify,
    /// There is room again.
    room: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Pending>,
    refusals: Refusals,
    lost: Gap,
    /// All that were ever lost.
    total: Lost,
}

/// How many entries were not recorded, and in how many gaps that was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) calls: u64,
    pub(crate) denials: u64,
    pub(crate) gaps: u64,
}

/// An entry that is not written yet, as it costs the request least.
pub(crate) struct Pending {
    pub(crate) at: Timestamp,
    pub(crate) request: RequestId,
    /// The server's name. Not the server itself: what waits here must keep nothing alive.
    pub(crate) server: Arc<str>,
    pub(crate) permit: Option<Arc<Permit>>,
    pub(crate) asked: Option<RequestSummary>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<&'static str>,
    /// Set if it stands for several, of which it is the first.
    pub(crate) repeated: Option<Repeated>,
}

/// How often something happened alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) count: u64,
    pub(crate) last: Timestamp,
}

/// How long a denial waits for room. Beyond that it is answered and counted: a request that never
/// ends would help nobody.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many entries are reported at once, or requests would have to wait for a core while very many are
/// written.
const ENOUGH: usize = 256;

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let (work, enough, room) = (Notify::new(), Notify::new(), Notify::new());
        Self { capacity, state: Mutex::default(), work, enough, room }
    }

    /// A call that was let through.
    pub(crate) fn allow(&self, call: Pending) {
        let mut state = self.state();
        if state.waiting.len() < self.capacity - self.capacity / 8 {
            state.waiting.push_back(call);
            self.tell(state);
        } else {
            state.lose(call.at, true);
        }
    }

    /// Something that was denied to somebody. Waits for room, unless it came so often that it is
    /// only counted.
    pub(crate) async fn deny(&self, denial: Pending) {
        let Some(denial) = self.unless_counted(denial) else { return };
        let at = denial.at;
        let mut denial = Some(denial);
        let placed = async {
            loop {
                let mut room = std::pin::pin!(self.room.notified());
                room.as_mut().enable();
                if self.try_deny(&mut denial) {
                    return;
                }
                room.await;
            }
        };
        if tokio::time::timeout(PATIENCE, placed).await.is_err() {
            self.state().lose(at, false);
        }
    }

    /// Something that was refused to nobody in particular. The first of its kind is recorded if
    /// there is room; all others are counted. Nothing waits, and nothing is lost.
    pub(crate) fn refuse(&self, refusal: Pending) {
        let mut early = self.unless_counted(refusal);
        if early.is_some() && !self.try_deny(&mut early) {
            let mut state = self.state();
            if let Some(refusal) = early {
                state.refusals.count(refusal);
            }
        }
    }

    /// The refusal back if it gets an entry of its own; otherwise it is counted with others of its kind.
    fn unless_counted(&self, refusal: Pending) -> Option<Pending> {
        let mut state = self.state();
        if state.refusals.is_early(&refusal) {
            return Some(refusal);
        }
        state.refusals.count(refusal);
        None
    }

    /// Lets rows be recorded for refusals that were counted long enough, or for all of them.
    pub(crate) fn tell_refusals(&self, now: Option<Timestamp>) {
        let mut state = self.state();
        let ripe = state.refusals.ripe(now);
        if !ripe.is_empty() {
            // There are few kinds of them, so they need no room of their own.
            state.waiting.extend(ripe);
            self.tell(state);
        }
    }

    /// Something that was denied while nobody could wait.
    pub(crate) fn deny_now(&self, denial: Pending) {
        let Some(denial) = self.unless_counted(denial) else { return };
        let at = denial.at;
        if !self.try_deny(&mut Some(denial)) {
            self.state().lose(at, false);
        }
    }

    /// Takes the denial if there is room.
    fn try_deny(&self, denial: &mut Option<Pending>) -> bool {
        let mut state = self.state();
        if state.waiting.len() >= self.capacity {
            return false;
        }
        state.waiting.extend(denial.take());
        self.tell(state);
        true
    }

    /// Resolves when there is something to report.
    pub(crate) async fn work(&self) {
        loop {
            let work = self.work.notified();
            if !self.is_empty() {
                return;
            }
            work.await;
        }
    }

    /// Resolves when so much waits that nothing is gained by waiting for more.
    pub(crate) async fn enough(&self) {
        while self.waiting() < ENOUGH {
            self.enough.notified().await;
        }
    }

    /// The next report; `None` if there is nothing to say. A gap comes first: it is the oldest.
    pub(crate) fn take(&self) -> Option<Report> {
        let spare = VecDeque::with_capacity(ENOUGH);
        let mut state = self.state();
        let gap = std::mem::take(&mut state.lost);
        let gap = (gap.calls + gap.denials > 0).then_some(gap);
        state.total.gaps += u64::from(gap.is_some());
        let room = MAX_REPORT_ENTRIES - 1;
        let mut taken = std::mem::replace(&mut state.waiting, spare);
        if taken.len() > room {
            state.waiting = taken.split_off(room);
        }
        drop(state);
        self.room.notify_waiters();
        let entries = gap.map(Entry::Gap).into_iter();
        let entries: Vec<Entry> = entries.chain(taken.iter().map(Pending::entry)).collect();
        (!entries.is_empty()).then_some(Report { entries })
    }

    /// How many entries wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// How many were lost since the start.
    pub(crate) fn lost(&self) -> Lost {
        self.state().total
    }

    /// Whether there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state();
        state.waiting.is_empty() && state.lost == Gap::default()
    }

    /// Tells whoever reports that something waits.
    fn tell(&self, state: MutexGuard<'_, State>) {
        let enough = state.waiting.len() >= ENOUGH;
        drop(state);
        self.work.notify_one();
        if enough {
            self.enough.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lose(&mut self, at: Timestamp, call: bool) {
        let at = at.as_millis();
        if self.lost.calls + self.lost.denials == 0 {
            self.lost.since = at;
        }
        self.lost.until = at;
        let (calls, denials) = (u64::from(call), u64::from(!call));
        self.lost.calls += calls;
        self.lost.denials += denials;
        self.total.calls += calls;
        self.total.denials += denials;
    }
}

impl Pending {
    fn entry(&self) -> Entry {
        let names = self.permit.as_ref().map(|permit| permit.names());
        let asked = self.asked.as_ref();
        Entry::Call(Box::new(CallEntry {
            at: self.at.as_millis(),
            request: self.request.to_string(),
            allowed: self.verdict.allows(),
            server: (*self.server).to_owned(),
            subject: names.map(|names| names.subject.clone()),
            client: names.map(|names| names.client.clone()),
            grant: names.map(|names| names.grant.clone()),
            organization: names.and_then(|names| names.organization.clone()),
            method: asked.map(|asked| asked.method.to_string()),
            name: asked.and_then(|asked| asked.name.as_deref()).map(str::to_owned),
            decision: self.verdict.decision.as_str().to_owned(),
            rule: asked.map(|_| self.verdict.basis.to_string()),
            reason: self.reason.map(str::to_owned),
            count: self.repeated.map(|repeated| repeated.count),
            last: self.repeated.map(|repeated| repeated.last.as_millis()),
        }))
    }
}
