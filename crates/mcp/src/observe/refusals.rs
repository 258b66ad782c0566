//! Refusals that come again and again: of nobody in particular (no token, a bad one, an origin from
//! elsewhere), and of one person who goes on asking for what they do not get.
//!
//! Anybody can cause as many of these as they like, so the record must not grow with them. The
//! first of a kind are recorded at once: one of nobody, who never waits for room, and sixty of one
//! person. What comes after them is counted, and ten minutes later one row says how often, and when
//! it was last. There are few kinds, so the rows of an hour are few whatever is sent.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::Timestamp;

use super::queue::{Pending, Repeated};
use super::verdict::Decision;

/// What was refused lately, by its kind.
#[derive(Default)]
pub(super) struct Refusals(HashMap<Kind, Row>);

/// What makes two refusals alike. All of it comes from the configuration, from our own words or
/// from a token that was verified.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    server: Arc<str>,
    person: Option<[u8; 32]>,
    decision: Decision,
    reason: Option<&'static str>,
}

/// The refusals of one kind since the first.
struct Row {
    since: Timestamp,
    /// How many were recorded by themselves.
    alone: u32,
    /// The first that was not recorded by itself, and how many there are.
    repeated: Option<(Pending, Repeated)>,
}

/// How long refusals of one kind are counted before a row says how many there were.
const WINDOW_SECONDS: i64 = 600;
/// How many of one person's are recorded by themselves in that time.
const ALONE: u32 = 60;

impl Refusals {
    /// Whether this is one of the first of its kind, which are recorded by themselves.
    pub(super) fn is_early(&mut self, refusal: &Pending) -> bool {
        let kind = Kind::of(refusal);
        let most = if kind.person.is_some() { ALONE } else { 1 };
        let row = self.0.entry(kind).or_insert(Row::since(refusal.at));
        let early = row.alone < most;
        row.alone += u32::from(early);
        early
    }

    /// Counts one more of a kind.
    pub(super) fn count(&mut self, refusal: Pending) {
        let at = refusal.at;
        let row = self.0.entry(Kind::of(&refusal)).or_insert(Row::since(at));
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

impl Row {
    fn since(since: Timestamp) -> Self {
        Self { since, alone: 0, repeated: None }
    }
}

impl Kind {
    fn of(refusal: &Pending) -> Self {
        let Pending { server, permit, verdict, reason, .. } = refusal;
        let person = permit.as_ref().map(|permit| permit.whose().person);
        let decision = verdict.decision;
        Self { server: Arc::clone(server), person, decision, reason: *reason }
    }
}
