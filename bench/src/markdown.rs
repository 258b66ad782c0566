//! The report as Markdown tables.

use std::fmt::Write as _;

use crate::crowd::Crowd;
use crate::eras::{CONNECTIONS, PAIRS};
use crate::figures::Figures;
use crate::goals::{Goal, Measured, Verdict};
use crate::huge::{self, HugeFigures, megabytes};
use crate::lanes::HOP;
use crate::rows::{ROWS, STATELESS_CALL};
use crate::run::REFRESHERS;

const LANES: [&str; 3] = ["direct", "nginx", "wicketgate"];

/// The whole report.
pub(crate) fn report(measured: &Measured, verdicts: &[Verdict]) -> String {
    let mut text = String::from("### Goals\n\n");
    goals(&mut text, verdicts);
    text.push_str("\n### MCP requests\n\n");
    requests(&mut text, measured);
    text.push_str("\n### Across generations\n\n");
    eras(&mut text, measured);
    text.push_str("\n### 10 MB answers\n\n");
    huge(&mut text, measured);
    text.push_str("\n### Idle subscribers\n\n");
    crowds(&mut text, measured);
    text.push_str("\n### Refresh rotation\n\n");
    refresh(&mut text, measured);
    text
}

fn goals(text: &mut String, verdicts: &[Verdict]) {
    text.push_str("| | Measure | Goal | Measured | |\n|---|---|---:|---:|---|\n");
    for Verdict { id, measure, goal, measured, unit } in verdicts {
        let aim = match goal {
            Goal::AtLeast(value) => format!("≥ {value}{unit}"),
            Goal::AtMost(value) => format!("≤ {value}{unit}"),
        };
        let met = if goal.is_met_by(*measured) { "met" } else { "missed" };
        let shown =
            if unit.is_empty() { format!("{measured:.2}") } else { format!("{measured:.1}{unit}") };
        line(text, &format!("| {id} | {measure} | {aim} | {shown} | {met} |"));
    }
}

fn requests(text: &mut String, measured: &Measured) {
    head(text, "Request");
    for (number, row) in ROWS.iter().enumerate() {
        let nginx = measured.row(row.ask, row.connections, "nginx");
        for lane in ["direct", "nginx", HOP, "wicketgate"] {
            let Some(figures) = measured.results.medians(number, lane) else { continue };
            figures_line(text, row.title, row.connections, lane, figures, nginx.rate);
        }
    }
    let known = measured.row(STATELESS_CALL, REFRESHERS, "nginx");
    let title = "stateless, a new token each";
    let fresh = measured.fresh_tokens;
    figures_line(text, title, REFRESHERS, "wicketgate", fresh, known.rate);
}

fn eras(text: &mut String, measured: &Measured) {
    text.push_str(
        "| `tools/call` of a client | of a server | c | req/s | p50 µs | p99 µs | CPU µs per request | req/s × same | CPU × same |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (pair, figures) in PAIRS.iter().zip(measured.eras) {
        let same = measured.eras[pair.same];
        let cells = cells(figures, same.rate);
        let processor = figures.processor / same.processor;
        let (client, server) = (pair.client, pair.server);
        line(text, &format!("| {client} | {server} | {CONNECTIONS} | {cells} | {processor:.2} |"));
    }
}

fn huge(text: &mut String, measured: &Measured) {
    text.push_str(
        "| Through | c | MB/s | p50 ms | CPU ms per answer | × nginx |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    let HugeFigures { lanes, held } = measured.huge;
    for (lane, figures) in LANES.iter().zip(lanes) {
        let Figures { rate, p50, processor, .. } = figures;
        let (speed, ratio) = (thousands(megabytes(figures)), rate / lanes[1].rate);
        let (p50, processor) = (p50 / 1e3, processor / 1e3);
        let c = huge::CONNECTIONS;
        line(text, &format!("| {lane} | {c} | {speed} | {p50:.1} | {processor:.2} | {ratio:.2} |"));
    }
    line(
        text,
        &format!("\nWicketgate's memory at the peak: {held:.1} MiB above what it held before."),
    );
}

fn crowds(text: &mut String, measured: &Measured) {
    text.push_str(
        "| Streams of 2026-07-28 clients | Server | Memory of the gateway | Memory each |\n\
         |---:|---|---:|---:|\n",
    );
    for Crowd { server, streams, each, with_all } in &measured.crowds {
        let streams = thousands(f64::from(*streams));
        line(text, &format!("| {streams} | {server} | {with_all:.1} MiB | {each:.1} KiB |"));
    }
}

fn refresh(text: &mut String, measured: &Measured) {
    text.push_str(
        "| Clients | Server | req/s | p50 µs | p99 µs | CPU µs per request | × peer |\n\
         |---:|---|---:|---:|---:|---:|---:|\n",
    );
    let [(_, peer), _] = measured.refresh;
    for (place, clients) in [1, REFRESHERS].into_iter().enumerate() {
        for (name, figures) in measured.refresh {
            let cells = cells(figures[place], peer[place].rate);
            line(text, &format!("| {clients} | {name} | {cells} |"));
        }
    }
}

fn head(text: &mut String, what: &str) {
    line(
        text,
        &format!(
            "| {what} | c | Through | req/s | p50 µs | p99 µs | CPU µs per request | × nginx |"
        ),
    );
    line(text, "|---|---:|---|---:|---:|---:|---:|---:|");
}

fn figures_line(
    text: &mut String,
    title: &str,
    connections: u32,
    lane: &str,
    figures: Figures,
    reference: f64,
) {
    let cells = cells(figures, reference);
    line(text, &format!("| {title} | {connections} | {lane} | {cells} |"));
}

/// The cells that every table of requests has, with the rate beside a reference.
pub(crate) fn cells(figures: Figures, reference: f64) -> String {
    let Figures { rate, p50, p99, processor } = figures;
    let ratio = rate / reference;
    let rate = thousands(rate);
    format!("{rate} | {p50:.0} | {p99:.0} | {processor:.1} | {ratio:.2}")
}

/// A whole number with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(7.4), "7");
        assert_eq!(thousands(132_651.2), "132,651");
        assert_eq!(thousands(1_000_000.0), "1,000,000");
    }
}
