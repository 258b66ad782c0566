//! Everything about one request that somebody may want to know afterwards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use kernel::Timestamp;
use protocol::jsonrpc::Message;
use protocol::mcp::TRACEPARENT;
use tokio::time::Instant;
use upstream::wire::Era;

use super::facts::{Facts, Told, Upstream};
use super::pending_request::{PendingRequest, Waiting};
use super::queue::Pending;
use super::request_summary::RequestSummary;
use super::trace::Parent;
use super::{Observer, RequestId, Verdict, access, trace};
use crate::access::Permit;
use crate::config::Audit;

/// One request, from its head to the head of its answer.
pub(crate) struct RequestRecord {
    pub(super) observer: Arc<Observer>,
    /// The server's name.
    pub(super) server: Arc<str>,
    pub(super) id: RequestId,
    pub(super) method: Method,
    pub(super) at: Timestamp,
    begun: Instant,
    facts: Mutex<Facts>,
    /// For whoever wants to know when nothing is left but what the upstream does.
    waiting: Option<Waiting>,
}

/// A finished request.
pub(super) struct Finished<'e> {
    pub(super) record: &'e RequestRecord,
    pub(super) facts: &'e Facts,
    pub(super) verdict: Verdict,
    pub(super) reason: Option<&'static str>,
    pub(super) status: StatusCode,
    pub(super) took: Duration,
}

/// The token was presented and is not good here.
pub(crate) const BAD_TOKEN: &str = "bad_token";

/// Nobody saw an answer. The number is not registered, but widely understood.
const ABANDONED: u16 = 499;

impl RequestRecord {
    /// The record of a request to this server, which came now.
    pub(crate) fn begin(
        observer: &Arc<Observer>,
        server: &Arc<str>,
        at: Timestamp,
        parts: &Parts,
    ) -> Self {
        let mut facts = Facts::default();
        if observer.spans.is_some() {
            // Trace Context §3.2.1: several are none.
            let mut headers = parts.headers.get_all(TRACEPARENT).iter();
            let (first, second) = (headers.next(), headers.next());
            let only = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok());
            facts.parent = only.and_then(Parent::parse);
        }
        Self::of((observer, server), at, parts.method.clone(), facts)
    }

    /// One that no HTTP request of its own brought, by somebody who was admitted before.
    pub(crate) fn apart(
        observer: &Arc<Observer>,
        server: &Arc<str>,
        at: Timestamp,
        permit: &Arc<Permit>,
    ) -> Self {
        let record = Self::of((observer, server), at, Method::POST, Facts::default());
        record.admitted(permit);
        record
    }

    /// One that tells nobody: for what goes on after its request was finished and told of.
    pub(crate) fn silent(observer: &Arc<Observer>, server: &Arc<str>, at: Timestamp) -> Self {
        Self::of((observer, server), at, Method::POST, Facts::told(Told::Everything))
    }

    fn of(
        (observer, server): (&Arc<Observer>, &Arc<str>),
        at: Timestamp,
        method: Method,
        facts: Facts,
    ) -> Self {
        Self {
            id: observer.next_request(),
            at,
            observer: Arc::clone(observer),
            server: Arc::clone(server),
            method,
            begun: Instant::now(),
            facts: Mutex::new(facts),
            waiting: None,
        }
    }

    /// The token is good.
    pub(crate) fn admitted(&self, permit: &Arc<Permit>) {
        self.facts().permit = Some(Arc::clone(permit));
    }

    /// Why the request is refused, where the status does not say it.
    pub(crate) fn because(&self, reason: &'static str) {
        self.facts().reason = Some(reason);
    }

    /// A message was judged.
    pub(crate) fn judged(&self, message: &Message<'_>, era: Era, verdict: Verdict) {
        let asked = RequestSummary::of(message, era, verdict);
        let mut facts = self.facts();
        if facts.parent.is_none() && self.observer.spans.is_some() {
            facts.parent = trace_of(message).and_then(Parent::parse);
        }
        facts.asked.push(asked);
    }

    /// Nothing is left but what the upstream does.
    pub(crate) fn waits(&self, request: impl FnOnce() -> PendingRequest) {
        if let Some(waiting) = &self.waiting {
            let _ = waiting.set(request());
        }
    }

    /// Tells when that is so.
    pub(crate) fn waiting(&mut self) -> Waiting {
        Arc::clone(self.waiting.get_or_insert_default())
    }

    /// The request goes to the upstream now.
    pub(crate) fn sending(&self) -> Instant {
        self.facts().sent = true;
        Instant::now()
    }

    /// The head of the answer is there, or will not come.
    pub(crate) fn answered(&self, sent: Instant, succeeded: bool) {
        let (after, took) = (sent - self.begun, sent.elapsed());
        self.facts().upstream = Some(Upstream { after, took, failed: !succeeded });
    }

    /// The span that the upstream works for, where this trace is kept.
    pub(crate) fn traceparent(&self) -> Option<HeaderValue> {
        self.observer.spans.as_ref()?;
        self.facts().context(&self.observer).map(|context| context.header())
    }

    /// The answer begins although the upstream has none yet; what that does is told when it is known.
    pub(crate) fn begins_early(&self) {
        let mut facts = self.facts();
        self.tell(&mut facts, StatusCode::OK);
        (facts.told, facts.upstream) = (Told::Answer, None);
    }

    /// Finishes the record. A denial of a known person is queued for the authority before the client
    /// gets its answer; if there was no room for five seconds, it is counted as lost.
    pub(crate) async fn finish(&self, status: StatusCode) {
        for denial in self.conclude(status) {
            let queue = &self.observer.queue;
            match denial.permit {
                Some(_) => queue.deny(denial).await,
                None => queue.refuse(denial),
            }
        }
    }

    /// Tells what was not told yet, and returns the denials.
    fn conclude(&self, status: StatusCode) -> Vec<Pending> {
        let mut facts = std::mem::replace(&mut *self.facts(), Facts::told(Told::Everything));
        if facts.told == Told::Everything {
            return Vec::new();
        }
        let (verdict, reason) = self.tell(&mut facts, status);
        self.record(facts, verdict, reason)
    }

    fn tell(&self, facts: &mut Facts, status: StatusCode) -> (Verdict, Option<&'static str>) {
        let (verdict, context) = (facts.overall(status), facts.context(&self.observer));
        let reason = facts.reason.or_else(|| verdict.reason());
        let (late, took) = (facts.told == Told::Answer, self.begun.elapsed());
        let finished = Finished { record: self, facts, verdict, reason, status, took };
        let meter = &self.observer.meter;
        meter.count_upstream(&finished);
        if let Some(context) = context {
            trace::tell_upstream(&finished, &context);
        }
        if late {
            access::tell_late(&finished);
            return (verdict, reason);
        }
        meter.count(&finished);
        access::tell(&finished);
        if let Some(context) = context {
            trace::tell(&finished, &context);
        }
        (verdict, reason)
    }

    /// Lets calls be recorded, and returns the denials.
    fn record(&self, facts: Facts, verdict: Verdict, reason: Option<&'static str>) -> Vec<Pending> {
        let observer = &self.observer;
        if observer.audit == Audit::Nothing {
            return Vec::new();
        }
        let Facts { permit, asked, .. } = facts;
        let pending = |asked: Option<RequestSummary>, verdict| Pending {
            at: self.at,
            request: self.id,
            server: Arc::clone(&self.server),
            permit: permit.clone(),
            asked,
            verdict,
            reason,
            repeated: None,
        };
        let mut denials = Vec::new();
        let judged = asked.iter().any(|asked| !asked.verdict.allows());
        let calls = observer.audit == Audit::Everything && !judged;
        for asked in asked {
            let verdict = if judged { asked.verdict } else { verdict };
            if verdict.decision.denies() {
                denials.push(pending(Some(asked), verdict));
            } else if calls && verdict.allows() && asked.is_a_call() {
                observer.queue.allow(pending(Some(asked), verdict));
            }
        }
        if denials.is_empty() && (verdict.decision.denies() || reason == Some(BAD_TOKEN)) {
            denials.push(pending(None, verdict));
        }
        denials
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let status = StatusCode::from_u16(ABANDONED).unwrap_or(StatusCode::BAD_REQUEST);
        for denial in self.conclude(status) {
            // Nobody is there who could wait.
            let queue = &self.observer.queue;
            match denial.permit {
                Some(_) => queue.deny_now(denial),
                None => queue.refuse(denial),
            }
        }
    }
}

fn trace_of<'m>(message: &'m Message<'_>) -> Option<&'m str> {
    match message {
        Message::Request { params, .. } | Message::Notification { params, .. } => {
            params.traceparent.as_deref()
        }
        Message::Answer => None,
    }
}
