//! The tables of requests through the gateway.

use super::Report;
use super::figures::{COLUMNS, cells, thousands};
use crate::eras::{CONNECTIONS, PAIRS};
use crate::figures::Figures;
use crate::goals::Measured;
use crate::huge::{self, HugeFigures, megabytes};
use crate::lanes::HOP;
use crate::rows::ROWS;
use crate::steady;
use crate::{allocations, fresh, switched_off};

const LANES: [&str; 4] = ["direct", "nginx", HOP, "wicketgate"];

impl Report {
    pub(super) fn requests(&mut self, measured: &Measured) {
        if measured.results.is_empty() {
            return;
        }
        let columns = [&["Request", "c:", "Through"][..], &COLUMNS, &["× nginx:"]].concat();
        self.table("MCP requests", &columns);
        for (number, row) in ROWS.iter().enumerate() {
            let nginx = measured.row(row.ask, row.connections, "nginx");
            for lane in LANES {
                let Some(figures) = measured.results.medians(number, lane) else { continue };
                let cells = cells(figures, nginx.rate);
                self.line(&format!("| {} | {} | {lane} | {cells} |", row.title, row.connections));
            }
        }
    }

    pub(super) fn steady(&mut self, measured: &Measured) {
        let Some(steady) = &measured.steady else { return };
        let title = format!(
            "At a fixed rate: {} calls a second on {} connections",
            thousands(steady::RATE),
            steady::CONNECTIONS
        );
        let columns =
            ["Through", "req/s:", "p50 µs:", "p99 µs:", "p99.9 µs:", "CPU µs per request:"];
        self.table(&title, &columns);
        for (lane, Figures { rate, p50, p99, p999, processor }) in steady {
            let rate = thousands(*rate);
            self.line(&format!(
                "| {lane} | {rate} | {p50:.0} | {p99:.0} | {p999:.0} | {processor:.1} |"
            ));
        }
    }

    pub(super) fn eras(&mut self, measured: &Measured) {
        let Some(eras) = measured.eras else { return };
        let first = ["`tools/call` of a client", "of a server", "c:"];
        let columns = [&first[..], &COLUMNS, &["req/s × same:", "CPU × same:"]].concat();
        self.table("Across generations", &columns);
        for (pair, figures) in PAIRS.iter().zip(eras) {
            let same = eras[pair.same];
            let cells = cells(figures, same.rate);
            let processor = figures.processor / same.processor;
            let (client, server) = (pair.client, pair.server);
            self.line(&format!(
                "| {client} | {server} | {CONNECTIONS} | {cells} | {processor:.2} |"
            ));
        }
    }

    pub(super) fn huge(&mut self, measured: &Measured) {
        let Some(HugeFigures { lanes, held }) = &measured.huge else { return };
        let columns = ["Through", "c:", "MB/s:", "p50 ms:", "CPU ms per answer:", "× nginx:"];
        self.table("10 MB answers", &columns);
        for (lane, figures) in ["direct", "nginx", "wicketgate"].iter().zip(lanes) {
            let (speed, ratio) = (thousands(megabytes(*figures)), figures.rate / lanes[1].rate);
            let (p50, processor) = (figures.p50 / 1e3, figures.processor / 1e3);
            let c = huge::CONNECTIONS;
            self.line(&format!(
                "| {lane} | {c} | {speed} | {p50:.1} | {processor:.2} | {ratio:.2} |"
            ));
        }
        self.line(&format!(
            "\nWicketgate's memory at the peak: {held:.1} MiB above what it held before."
        ));
    }

    pub(super) fn fresh(&mut self, measured: &Measured) {
        let Some(figures) = &measured.fresh else { return };
        let columns = [&["Token", "c:"][..], &COLUMNS, &["× a known one:"]].concat();
        self.table("A new token on each request", &columns);
        let issuers = [("this process", figures.own), ("another process", figures.foreign)];
        for (issuer, fresh) in issuers {
            for (kind, shown) in [("known", fresh.known), ("new", fresh.new)] {
                let cells = cells(shown, fresh.known.rate);
                let c = fresh::CONNECTIONS;
                self.line(&format!("| {kind}, issued by {issuer} | {c} | {cells} |"));
            }
        }
    }

    pub(super) fn crowds(&mut self, measured: &Measured) {
        if measured.crowds.is_empty() {
            return;
        }
        let columns =
            ["Streams of 2026-07-28 clients:", "Server", "Memory of the gateway:", "Memory each:"];
        self.table("Idle subscribers", &columns);
        for crowd in &measured.crowds {
            let streams = thousands(f64::from(crowd.streams));
            let (server, each, with_all) = (crowd.server, crowd.each, crowd.with_all);
            self.line(&format!("| {streams} | {server} | {with_all:.1} MiB | {each:.1} KiB |"));
        }
    }

    pub(super) fn uneven(&mut self, measured: &Measured) {
        if measured.uneven.is_empty() {
            return;
        }
        let columns =
            ["Workers:", "Load", "due in a second:", "req/s:", "p50 µs:", "p99 µs:", "p99.9 µs:"];
        self.table("Uneven load", &columns);
        for case in &measured.uneven {
            for (load, figures) in [("even", case.even), ("uneven", case.uneven)] {
                let Figures { rate, p50, p99, p999, .. } = figures;
                let (due, rate) = (thousands(case.rate), thousands(rate));
                let workers = case.workers;
                self.line(&format!(
                    "| {workers} | {load} | {due} | {rate} | {p50:.0} | {p99:.0} | {p999:.0} |"
                ));
            }
        }
    }

    pub(super) fn switched_off(&mut self, measured: &Measured) {
        let Some(figures) = measured.switched_off else { return };
        let columns = ["Off", "c:", "req/s:", "p99 µs:", "CPU µs per call:", "saved µs:"];
        self.table("What each part costs", &columns);
        let everything = figures[0].processor;
        for ((off, _), figures) in switched_off::PARTS.iter().zip(figures) {
            let Figures { rate, p99, processor, .. } = figures;
            let (rate, saved) = (thousands(rate), everything - processor);
            let c = switched_off::CONNECTIONS;
            self.line(&format!(
                "| {off} | {c} | {rate} | {p99:.0} | {processor:.1} | {saved:.1} |"
            ));
        }
    }

    pub(super) fn allocations(&mut self, measured: &Measured) {
        let Some(counts) = measured.allocations else { return };
        self.table("Allocations", &["`tools/call`", "Allocations each:"]);
        for ((title, ..), count) in allocations::CASES.iter().zip(counts) {
            self.line(&format!("| {title} | {count:.1} |"));
        }
    }
}
