//! The tables of large databases.

use super::Report;
use super::figures::{COLUMNS, cells, thousands};
use crate::cleanup::{Cleanup, Refreshes};
use crate::goals::Measured;
use crate::status_list::StatusLists;
use crate::table_size::{FEW, TableSize};
use crate::token_endpoints::CLIENTS;

impl Report {
    pub(super) fn table_size(&mut self, measured: &Measured) {
        let Some(TableSize { rows, few, many, filling }) = &measured.table_size else { return };
        let columns = [&["Rows at the start:", "Clients:"][..], &COLUMNS, &["× small:"]].concat();
        self.table("Refresh in a large table", &columns);
        for (rows, figures) in [(FEW, few), (*rows, many)] {
            let (rows, cells) = (thousands(f64::from(rows)), cells(*figures, few.rate));
            self.line(&format!("| {rows} | {FEW} | {cells} |"));
        }
        let seconds = filling.as_secs();
        self.line(&format!("\nFilling the table took {seconds} seconds."));
    }

    pub(super) fn cleanup(&mut self, measured: &Measured) {
        let Some(cleanup) = &measured.cleanup else { return };
        let columns = ["Refreshes", "Clients:", "req/s:", "p50 µs:", "p99 µs:", "the longest µs:"];
        self.table("Clean-up of a large table", &columns);
        let Cleanup { rows, expired, removed, rate, meanwhile, afterwards } = cleanup;
        for (when, refreshes) in [("meanwhile", meanwhile), ("afterwards", afterwards)] {
            let Refreshes { rate, p50, p99, longest } = refreshes;
            let rate = thousands(*rate);
            self.line(&format!("| {when} | {FEW} | {rate} | {p50:.0} | {p99:.0} | {longest:.0} |"));
        }
        let [rows, expired, removed] =
            [f64::from(*rows), count(*expired), count(*removed)].map(thousands);
        let rate = thousands(*rate);
        self.line(&format!(
            "\nOf {rows} rows {expired} had expired. The first clean-up removed {removed} of them, \
             {rate} in a second."
        ));
    }

    pub(super) fn status_lists(&mut self, measured: &Measured) {
        let Some(lists) = &measured.status_lists else { return };
        let StatusLists { grants, revoked, bytes, reading, first, told } = lists;
        let columns = [&["Request", "Clients:"][..], &COLUMNS, &["× one client:"]].concat();
        let grants = thousands(f64::from(*grants));
        self.table(&format!("Status lists of {grants} grants"), &columns);
        for (clients, figures) in CLIENTS.into_iter().zip(reading) {
            let cells = cells(*figures, reading[0].rate);
            self.line(&format!("| a list, each in turn | {clients} | {cells} |"));
        }
        let (number, revoked) = (bytes.len(), thousands(count(*revoked)));
        let largest = bytes.iter().max().copied().unwrap_or_default();
        let sizes = [largest, bytes.iter().sum()].map(|bytes| thousands(count(bytes as u64)));
        let [largest, together] = sizes;
        let [first, told] = [first, told].map(|micros| micros / 1e3);
        self.line(&format!(
            "\n{number} lists, {revoked} grants revoked: the largest has {largest} bytes, all together \
             {together}. The first answer after a revocation takes {first:.2} ms; from sending the \
             revocation to having a list that tells of it, {told:.2} ms."
        ));
    }
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
