//! The tables of the token endpoint.

use super::Report;
use super::figures::{COLUMNS, cells, thousands};
use crate::goals::Measured;
use crate::table_size::{FEW, TableSize};
use crate::token_endpoints::{CLIENTS, Compared};

impl Report {
    pub(super) fn token_endpoints(&mut self, measured: &Measured) {
        let operations = [
            ("client credentials", measured.machine),
            ("refresh", measured.rotation),
            ("code exchange", measured.exchange),
            ("introspection", measured.introspection),
        ];
        if operations.iter().all(|(_, compared)| compared.is_none()) {
            return;
        }
        let columns = [&["Request", "Clients:", "Server"][..], &COLUMNS, &["× peer:"]].concat();
        self.table("Token endpoint", &columns);
        for (operation, compared) in operations {
            let Some(Compared { provider, ours }) = compared else { continue };
            for (place, clients) in CLIENTS.into_iter().enumerate() {
                for (server, figures) in
                    [("oidc-provider, in memory", provider), ("wicketgate, SQLite, durable", ours)]
                {
                    let cells = cells(figures[place], provider[place].rate);
                    self.line(&format!("| {operation} | {clients} | {server} | {cells} |"));
                }
            }
        }
    }

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
}
