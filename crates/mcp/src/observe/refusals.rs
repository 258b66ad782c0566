//! Refusals of nobody in particular: no token, a bad one, an origin from elsewhere.
//!
//! Anybody can cause as many of these as they like, so the record must not grow with them, and
//! nobody waits for room in it because of them. The first of its kind is recorded at once. What
//! comes after it is counted, and ten minutes later one row says how often, and when it was last.
//! There are few kinds, so the rows of an hour are few whatever is sent.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::Timestamp;

use super::queue::{Pending, Repeated};
use super::verdict::Decision;

/// What was refused lately, by its kind.
#[derive(Default)]
pub(super) struct Refusals(HashMap<Kind, Row>);

/// What makes two refusals alike. All of it comes from the configuration or from our own words.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    server: Arc<str>,
    decision: Decision,
    reason: Option<&'static str>,
}

/// The refusals of one kind since the first.
struct Row {
    since: Timestamp,
    /// The first that was not recorded by itself, and how many there are.
    repeated: Option<(Pending, Repeated)>,
}

/// How long refusals of one kind are counted before a row says how many there were.
const WINDOW_SECONDS: i64 = 600;

impl Refusals {
    /// Whether this is the first of its kind, which is recorded by itself.
    pub(super) fn is_first(&mut self, refusal: &Pending) -> bool {
        let kind = Kind::of(refusal);
        if self.0.contains_key(&kind) {
            return false;
        }
        self.0.insert(kind, Row { since: refusal.at, repeated: None });
        true
    }

    /// Counts one more of a kind.
    pub(super) fn count(&mut self, refusal: Pending) {
        let (at, since) = (refusal.at, refusal.at);
        let row = self.0.entry(Kind::of(&refusal)).or_insert(Row { since, repeated: None });
        let (_, repeated) = row.repeated.get_or_insert((refusal, Repeated { count: 0, last: at }));
        repeated.count += 1;
        repeated.last = repeated.last.max(at);
    }

    /// The rows whose time has come, or all of them.
    pub(super) fn ripe(&mut self, now: Option<Timestamp>) -> Vec<Pending> {
        let ripe = |row: &Row| now.is_none_or(|now| now >= row.since.plus_seconds(WINDOW_SECONDS));
        let rows = self.0.extract_if(|_, row| ripe(row)).filter_map(|(_, row)| row.repeated);
        rows.map(|(first, repeated)| Pending { repeated: Some(repeated), ..first }).collect()
    }
}

impl Kind {
    fn of(refusal: &Pending) -> Self {
        let Pending { server, verdict, reason, .. } = refusal;
        Self { server: Arc::clone(server), decision: verdict.decision, reason: *reason }
    }
}
