//! The tables of the token endpoint.

use super::Report;
use super::figures::{COLUMNS, cells};
use crate::goals::Measured;
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
}
