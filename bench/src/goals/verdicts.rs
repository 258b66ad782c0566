//! The goals, one after the other.

use std::borrow::Cow;

use super::Goal::{self, AtLeast, AtMost};
use super::{Measured, Verdict};
use crate::allocations;
use crate::ask::Ask;
use crate::crowd::Crowd;
use crate::eras::{self, LEGACY, MODERN};
use crate::figures::Figures;
use crate::lanes::HOP;
use crate::markdown::thousands;
use crate::rows::{BIG_LIST, CALL, LARGE, LIST, PROGRESS, STATELESS_CALL};
use crate::token_endpoints::Compared;

const NGINX: &str = "nginx";
const OURS: &str = "wicketgate";

/// All of them, also those for which nothing was measured.
pub(super) fn all(measured: &Measured) -> Vec<Verdict> {
    let mut verdicts = calls(measured);
    verdicts.extend(other_requests(measured));
    verdicts.extend(gateway(measured));
    verdicts.extend(idle_subscribers(&measured.crowds));
    verdicts.extend(tokens(measured));
    verdicts.extend(footprint(measured));
    verdicts.extend(beside(measured));
    verdicts
}

/// Something that has a unit is shown with one digit, and a ratio with two.
fn verdict(
    id: &'static str,
    measure: impl Into<Cow<'static, str>>,
    goal: Goal,
    measured: f64,
    unit: &'static str,
) -> Verdict {
    let digits = if unit.is_empty() { 100.0 } else { 10.0 };
    let measured = (measured * digits).round() / digits;
    Verdict { id, measure: measure.into(), goal, measured, unit }
}

fn ratio(
    id: &'static str,
    measure: impl Into<Cow<'static, str>>,
    goal: Goal,
    measured: f64,
) -> Verdict {
    verdict(id, measure, goal, measured, "")
}

/// `tools/call` with a small answer.
fn calls(measured: &Measured) -> Vec<Verdict> {
    let [one, some, many] = [1, 16, 64].map(|c| move |lane| measured.row(CALL, c, lane));
    vec![
        ratio(
            "G1",
            "`tools/call` req/s, c=16, × nginx",
            AtLeast(0.8),
            some(OURS).rate / some(NGINX).rate,
        ),
        ratio(
            "G1",
            "`tools/call` req/s, c=64, × the reference hop",
            AtLeast(0.87),
            many(OURS).rate / many(HOP).rate,
        ),
        ratio(
            "G2",
            "`tools/call` CPU per request, c=16, × nginx",
            AtMost(1.5),
            some(OURS).processor / some(NGINX).processor,
        ),
        verdict(
            "G3",
            "`tools/call` p50 above nginx, c=1",
            AtMost(12.0),
            one(OURS).p50 - one(NGINX).p50,
            " µs",
        ),
        ratio(
            "G4",
            "`tools/call` p99, c=16, × nginx",
            AtMost(1.5),
            some(OURS).p99 / some(NGINX).p99,
        ),
    ]
}

fn other_requests(measured: &Measured) -> Vec<Verdict> {
    let ours = |ask: Ask| measured.row(ask, 16, OURS).rate;
    let to_nginx = |ask: Ask| ours(ask) / measured.row(ask, 16, NGINX).rate;
    let fresh =
        |new: fn(&crate::fresh::FreshFigures) -> f64| measured.fresh.as_ref().map_or(f64::NAN, new);
    vec![
        ratio("G5", "`tools/list` 20 tools, filtered, × nginx", AtLeast(1.3), to_nginx(LIST)),
        ratio(
            "G6",
            "`tools/list` 1,000 tools, filtered, × nginx",
            AtLeast(1.5),
            to_nginx(BIG_LIST),
        ),
        ratio("G7", "10 progress events, × nginx", AtLeast(0.85), to_nginx(PROGRESS)),
        ratio("G8", "100 KB answer, × nginx", AtLeast(0.95), to_nginx(LARGE)),
        verdict(
            "G9",
            "a new token on each request, issued by this process: CPU above a known one",
            AtMost(10.0),
            fresh(|fresh| fresh.own.more()),
            " µs",
        ),
        verdict(
            "G9",
            "the same, issued by another process",
            AtMost(80.0),
            fresh(|fresh| fresh.foreign.more()),
            " µs",
        ),
        ratio(
            "G10",
            "2026-07-28 calls, × 2025-11-25 calls",
            AtLeast(1.0),
            ours(STATELESS_CALL) / ours(CALL),
        ),
    ]
}

/// Across generations, and what is large.
fn gateway(measured: &Measured) -> Vec<Verdict> {
    let across = |pair: usize| {
        measured
            .eras
            .map_or(f64::NAN, |eras| eras[pair].processor / eras[eras::PAIRS[pair].same].processor)
    };
    let (huge, held) = measured.huge.as_ref().map_or((f64::NAN, f64::NAN), |huge| {
        let [_, nginx, ours] = huge.lanes;
        (ours.rate / nginx.rate, huge.held)
    });
    vec![
        ratio(
            "G11",
            "2026-07-28 client, 2025-11-25 server: CPU × same generation",
            AtMost(1.4),
            across(eras::ACROSS[0]),
        ),
        ratio(
            "G11",
            "2025-11-25 client, 2026-07-28 server: CPU × same generation",
            AtMost(1.4),
            across(eras::ACROSS[1]),
        ),
        ratio("G12", "10 MB answers, c=4, × nginx", AtLeast(1.2), huge),
        verdict("G12", "10 MB answers, c=4: held at the peak", AtMost(3.0), held, " MiB"),
    ]
}

/// Of each kind of server with the most streams: what a gateway takes once is shared by them.
fn idle_subscribers(crowds: &[Crowd]) -> Vec<Verdict> {
    let goals = [(MODERN, 4.0), (LEGACY, 5.0)];
    let verdict_of = |(server, goal)| {
        let most = crowds.iter().rfind(|crowd| crowd.server == server);
        let streams = most.map(|crowd| thousands(f64::from(crowd.streams)) + " ");
        let streams = streams.unwrap_or_default();
        let measure = format!("{streams}idle subscribers, {server} server: memory each");
        verdict("G13", measure, AtMost(goal), most.map_or(f64::NAN, |crowd| crowd.each), " KiB")
    };
    goals.into_iter().map(verdict_of).collect()
}

fn tokens(measured: &Measured) -> Vec<Verdict> {
    let of = |compared: Option<Compared<Figures>>, clients: usize| {
        let none = [Figures::NONE; 2];
        let Compared { provider, ours } =
            compared.unwrap_or(Compared { provider: none, ours: none });
        (ours[clients], provider[clients])
    };
    let rate = |(ours, provider): (Figures, Figures)| ours.rate / provider.rate;
    let p50 = |(ours, provider): (Figures, Figures)| ours.p50 / provider.p50;
    let p99 = |(ours, provider): (Figures, Figures)| ours.p99 / provider.p99;
    let (refresh, code) = (measured.rotation, measured.exchange);
    let table = |figure: fn(&Figures) -> f64| {
        let sizes = measured.table_size.as_ref();
        sizes.map_or(f64::NAN, |sizes| figure(&sizes.many) / figure(&sizes.few))
    };
    vec![
        ratio(
            "A1",
            "client credentials, durable, c=16: req/s × oidc-provider in memory",
            AtLeast(6.0),
            rate(of(measured.machine, 1)),
        ),
        ratio(
            "A2",
            "refresh, durable, c=16: req/s × oidc-provider in memory",
            AtLeast(4.0),
            rate(of(refresh, 1)),
        ),
        ratio(
            "A3",
            "code exchange, durable, c=16: req/s × oidc-provider in memory",
            AtLeast(4.0),
            rate(of(code, 1)),
        ),
        ratio("A4", "refresh p50, c=1, × oidc-provider", AtMost(0.7), p50(of(refresh, 0))),
        ratio("A4", "code exchange p50, c=1, × oidc-provider", AtMost(0.7), p50(of(code, 0))),
        ratio("A5", "refresh p99, c=16, × oidc-provider", AtMost(0.35), p99(of(refresh, 1))),
        ratio("A5", "code exchange p99, c=16, × oidc-provider", AtMost(0.35), p99(of(code, 1))),
        ratio(
            "A6",
            "refresh in a large table: CPU × in a small one",
            AtMost(1.1),
            table(|figures| figures.processor),
        ),
        ratio(
            "A6",
            "refresh in a large table: time × in a small one",
            AtMost(1.1),
            table(|figures| 1.0 / figures.rate),
        ),
    ]
}

fn footprint(measured: &Measured) -> Vec<Verdict> {
    let [new, existing] = measured.starts.unwrap_or([f64::NAN; 2]);
    let mebibytes = |kib: Option<u32>| kib.map_or(f64::NAN, |kib| f64::from(kib) / 1024.0);
    let megabytes = |bytes: Option<u64>| {
        let kilobytes = bytes.and_then(|bytes| u32::try_from(bytes / 1000).ok());
        kilobytes.map_or(f64::NAN, |kilobytes| f64::from(kilobytes) / 1e3)
    };
    let (idle, after) = (mebibytes(measured.idle_kib), mebibytes(measured.after_kib));
    let (binary, saml) = (megabytes(measured.binary_bytes), megabytes(measured.saml_binary_bytes));
    vec![
        verdict("F1", "start to first answer, existing database", AtMost(15.0), existing, " ms"),
        verdict("F1", "start to first answer, new database", AtMost(50.0), new, " ms"),
        verdict("F2", "memory, idle", AtMost(15.0), idle, " MiB"),
        verdict("F2", "memory, after all runs", AtMost(35.0), after, " MiB"),
        verdict("F3", "stripped binary without SAML", AtMost(20.0), binary, " MB"),
        verdict("F3", "stripped binary with SAML", AtMost(25.0), saml, " MB"),
    ]
}

/// What has no number in the list of goals.
fn beside(measured: &Measured) -> Vec<Verdict> {
    let uneven = measured.uneven.iter().map(|case| {
        let measure = format!("uneven load, {} workers: p99 × even load", case.workers);
        ratio("uneven", measure, AtMost(1.5), case.ratio())
    });
    let counts = measured.allocations.unwrap_or([f64::NAN; allocations::CASES.len()]);
    let (title, ..) = allocations::CASES[0];
    let allocations = verdict(
        "allocations",
        format!("allocations for one `tools/call`, {title}"),
        AtMost(20.0),
        counts[0],
        "",
    );
    uneven.chain([allocations]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_judged_by_what_is_shown() {
        let met = |goal, measured, unit| verdict("G4", "p99", goal, measured, unit).is_met();
        assert_eq!(met(AtMost(1.5), 1.504, ""), Some(true));
        assert_eq!(met(AtMost(1.5), 1.506, ""), Some(false));
        assert_eq!(met(AtLeast(0.8), 0.79, ""), Some(false));
        assert_eq!(met(AtMost(4.0), 4.04, " KiB"), Some(true));
        assert_eq!(met(AtMost(4.0), f64::NAN, " KiB"), None);
    }
}
