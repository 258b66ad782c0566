//! What becomes known of one request on its way.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::request_summary::RequestSummary;
use super::trace::{Context, Parent};
use super::{Observer, Verdict};
use crate::access::Permit;

/// What became known on the way.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) told: Told,
    pub(super) permit: Option<Arc<Permit>>,
    pub(super) asked: Vec<RequestSummary>,
    pub(super) reason: Option<&'static str>,
    pub(super) upstream: Option<Upstream>,
    pub(super) sent: bool,
    pub(super) parent: Option<Parent>,
    context: Place,
}

/// What of the request was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    Nothing,
    /// How it was answered, but not what the upstream did.
    Answer,
    Everything,
}

/// The place of the request in a trace.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Undecided,
    Untraced,
    Traced(Context),
}

/// The part at the upstream, until the head of its answer.
#[derive(Clone, Copy)]
pub(super) struct Upstream {
    pub(super) after: Duration,
    pub(super) took: Duration,
    pub(super) failed: bool,
}

impl Facts {
    /// Nothing is known, and so much told.
    pub(super) fn told(told: Told) -> Self {
        Self { told, ..Self::default() }
    }

    /// The first refusal, or what the first message was judged to be if it went its way.
    pub(super) fn overall(&self, status: StatusCode) -> Verdict {
        let refused = self.asked.iter().find(|asked| !asked.verdict.allows());
        match (refused, self.asked.first()) {
            (Some(refused), _) => refused.verdict,
            (None, Some(first)) if self.sent || status.is_success() => first.verdict,
            (None, None) if self.sent => Verdict::OPEN,
            _ => Verdict::of_status(status),
        }
    }

    /// Decided once for each request: the upstream and our own span must agree.
    pub(super) fn context(&mut self, observer: &Observer) -> Option<Context> {
        let spans = observer.spans.as_ref()?;
        let parent = self.parent;
        if let Place::Undecided = self.context {
            let context = Context::below(parent, spans.ratio, &*observer.random);
            self.context = context.map_or(Place::Untraced, Place::Traced);
        }
        match self.context {
            Place::Traced(context) => Some(context),
            Place::Undecided | Place::Untraced => None,
        }
    }
}
