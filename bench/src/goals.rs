//! What was measured, beside what was aimed for.

use std::borrow::Cow;

use crate::crowd::Crowd;
use crate::eras;
use crate::figures::Figures;
use crate::huge::HugeFigures;
use crate::markdown::thousands;
use crate::rows::{BIG_LIST, CALL, LARGE, LIST, PROGRESS, ROWS, Results, STATELESS_CALL};

use Goal::{AtLeast, AtMost};

/// Everything that was measured.
pub(crate) struct Measured {
    pub(crate) results: Results,
    /// Stateless calls with a new token each.
    pub(crate) fresh_tokens: Figures,
    /// The peer and ours, at one client and at many.
    pub(crate) refresh: [(&'static str, [Figures; 2]); 2],
    /// In the order of [`eras::PAIRS`].
    pub(crate) eras: [Figures; 4],
    pub(crate) huge: HugeFigures,
    pub(crate) crowds: Vec<Crowd>,
    /// Milliseconds to the first answer: new database, existing one.
    pub(crate) starts: [f64; 2],
    /// Resident memory before and after everything.
    pub(crate) memory_kib: [u32; 2],
    pub(crate) binary_bytes: u64,
}

/// One goal.
pub(crate) struct Verdict {
    pub(crate) id: &'static str,
    pub(crate) measure: Cow<'static, str>,
    pub(crate) goal: Goal,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
}

/// Which way is better.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub(crate) fn is_met_by(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(goal) => measured >= goal,
            Self::AtMost(goal) => measured <= goal,
        }
    }
}

impl Measured {
    /// The medians of a row; not numbers if it was not measured.
    pub(crate) fn row(
        &self,
        ask: crate::ask::Ask,
        connections: u32,
        lane: &'static str,
    ) -> Figures {
        let same = |row: &crate::rows::Row| row.ask == ask && row.connections == connections;
        let row = ROWS.iter().position(same).unwrap_or(ROWS.len());
        self.results.medians(row, lane).unwrap_or(Figures::NONE)
    }

    fn ours(&self, ask: crate::ask::Ask, connections: u32) -> Figures {
        self.row(ask, connections, "wicketgate")
    }

    fn rate_to_nginx(&self, ask: crate::ask::Ask, connections: u32) -> f64 {
        self.ours(ask, connections).rate / self.row(ask, connections, "nginx").rate
    }
}

/// The goals, each with what was measured.
pub(crate) fn verdicts(measured: &Measured) -> Vec<Verdict> {
    let mut verdicts = requests(measured);
    verdicts.extend(gateway(measured));
    verdicts.extend(measured.crowds.iter().map(idle_subscribers));
    verdicts.extend(tokens_and_footprint(measured));
    verdicts
}

fn verdict(
    id: &'static str,
    measure: impl Into<Cow<'static, str>>,
    goal: Goal,
    measured: f64,
    unit: &'static str,
) -> Verdict {
    Verdict { id, measure: measure.into(), goal, measured, unit }
}

/// One request after the other, within one generation.
fn requests(measured: &Measured) -> Vec<Verdict> {
    let nginx = |ask, connections| measured.row(ask, connections, "nginx");
    let (ours, ratio) = (
        |ask, connections| measured.ours(ask, connections),
        |ask, connections| measured.rate_to_nginx(ask, connections),
    );
    vec![
        verdict("G1", "`tools/call` req/s, c=16, × nginx", AtLeast(0.6), ratio(CALL, 16), ""),
        verdict("G1", "`tools/call` req/s, c=64, × nginx", AtLeast(0.6), ratio(CALL, 64), ""),
        verdict(
            "G2",
            "`tools/call` CPU per request, c=16, × nginx",
            AtMost(2.0),
            ours(CALL, 16).processor / nginx(CALL, 16).processor,
            "",
        ),
        verdict(
            "G3",
            "`tools/call` p50 above nginx, c=1",
            AtMost(25.0),
            ours(CALL, 1).p50 - nginx(CALL, 1).p50,
            " µs",
        ),
        verdict(
            "G4",
            "`tools/call` p99, c=16, × nginx",
            AtMost(1.5),
            ours(CALL, 16).p99 / nginx(CALL, 16).p99,
            "",
        ),
        verdict(
            "G5",
            "`tools/list` 20 tools, filtered, c=16, × nginx",
            AtLeast(1.0),
            ratio(LIST, 16),
            "",
        ),
        verdict(
            "G6",
            "`tools/list` 1,000 tools, filtered, c=16, × nginx",
            AtLeast(1.0),
            ratio(BIG_LIST, 16),
            "",
        ),
        verdict("G7", "10 progress events, c=16, × nginx", AtLeast(0.6), ratio(PROGRESS, 16), ""),
        verdict("G8", "100 KB answer, c=16, × nginx", AtLeast(0.8), ratio(LARGE, 16), ""),
        verdict(
            "G9",
            "a new token on each request: CPU above a known one",
            AtMost(90.0),
            measured.fresh_tokens.processor - ours(STATELESS_CALL, 16).processor,
            " µs",
        ),
        verdict(
            "G10",
            "2026-07-28 calls, c=16, × 2025-11-25 calls",
            AtLeast(0.9),
            ours(STATELESS_CALL, 16).rate / ours(CALL, 16).rate,
            "",
        ),
    ]
}

/// Across generations, and what is large.
fn gateway(measured: &Measured) -> Vec<Verdict> {
    let across = |pair: usize| {
        let same = eras::PAIRS[pair].same;
        measured.eras[pair].processor / measured.eras[same].processor
    };
    let HugeFigures { lanes: [_, nginx, ours], held } = measured.huge;
    vec![
        verdict(
            "G11",
            "2026-07-28 client, 2025-11-25 server: CPU × same generation",
            AtMost(2.0),
            across(eras::ACROSS[0]),
            "",
        ),
        verdict(
            "G11",
            "2025-11-25 client, 2026-07-28 server: CPU × same generation",
            AtMost(2.0),
            across(eras::ACROSS[1]),
            "",
        ),
        verdict("G12", "10 MB answers, c=4, × nginx", AtLeast(0.8), ours.rate / nginx.rate, ""),
        verdict("G12", "10 MB answers, c=4: held at the peak", AtMost(10.0), held, " MiB"),
    ]
}

fn idle_subscribers(crowd: &Crowd) -> Verdict {
    let Crowd { server, streams, each, .. } = crowd;
    let measure = format!(
        "{} idle subscribers, {server} server: memory each",
        thousands(f64::from(*streams))
    );
    verdict("G13", measure, AtMost(16.0), *each, " KiB")
}

fn tokens_and_footprint(measured: &Measured) -> Vec<Verdict> {
    let [(_, [peer_one, peer_many]), (_, [our_one, our_many])] = measured.refresh;
    let [new, existing] = measured.starts;
    let [idle, after] = measured.memory_kib.map(|kib| f64::from(kib) / 1024.0);
    let megabytes =
        f64::from(u32::try_from(measured.binary_bytes / 1000).unwrap_or(u32::MAX)) / 1e3;
    vec![
        verdict(
            "A2",
            "refresh, durable, c=16, × oidc-provider in memory",
            AtLeast(2.0),
            our_many.rate / peer_many.rate,
            "",
        ),
        verdict(
            "A4",
            "refresh p50, c=1, × oidc-provider",
            AtMost(1.0),
            our_one.p50 / peer_one.p50,
            "",
        ),
        verdict(
            "A5",
            "refresh p99, c=16, × oidc-provider",
            AtMost(0.5),
            our_many.p99 / peer_many.p99,
            "",
        ),
        verdict("F1", "start to first answer, existing database", AtMost(50.0), existing, " ms"),
        verdict("F1", "start to first answer, new database", AtMost(200.0), new, " ms"),
        verdict("F2", "memory, idle", AtMost(25.0), idle, " MiB"),
        verdict("F2", "memory, after all runs", AtMost(50.0), after, " MiB"),
        verdict("F3", "stripped binary", AtMost(25.0), megabytes, " MB"),
    ]
}
