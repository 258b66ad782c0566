//! A gateway whose database was filled before it started.

use std::path::Path;

use crate::cli;
use crate::figures::Figures;
use crate::load::measure;
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use crate::run::note;
use crate::sqlite;
use crate::start::{Site, Started};
use crate::token::Tokens;

/// It ends with this value.
pub(crate) struct Filled {
    pub(crate) server: Server,
    /// What its clients hold: each a grant from before the database was filled.
    pub(crate) granted: Vec<Tokens>,
    site: Site,
    process: Started,
}

/// A script of bench/, and how many rows it makes.
pub(crate) struct Filling {
    pub(crate) script: &'static str,
    pub(crate) rows: u32,
}

impl Filled {
    /// The gateway makes its schema and gives each client a grant; what fills the database comes
    /// between its end and its next start.
    pub(crate) async fn start(
        options: &cli::Run,
        name: &str,
        clients: u32,
        filling: Option<Filling>,
    ) -> anyhow::Result<Self> {
        let site = Site::of(options, name)?;
        let process = site.start().await?;
        let mut person = Person::at(site.address).await?;
        let resource = format!("http://{}/mcp", site.address);
        let mut granted = Vec::new();
        for _ in 0..clients {
            granted.push(person.authorize(&resource).await?);
        }
        let server = Server {
            address: site.address,
            watched: Family::of(process.pid())?,
            client_id: person.client_id().to_owned(),
        };
        let started = Self { server, granted, site, process };
        let Some(Filling { script, rows }) = filling else {
            return started.change(|_| Ok(())).await;
        };
        note(&format!("filling a table with {rows} rows"));
        started.change(|database| sqlite::run(database, script, rows)).await
    }

    /// Ends the gateway, lets its database be changed, and starts it again.
    pub(crate) async fn change(
        self,
        change: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let Self { mut server, granted, site, process } = self;
        drop(process);
        change(&site.database)?;
        let process = site.start().await?;
        server.watched = Family::of(process.pid())?;
        Ok(Self { server, granted, site, process })
    }

    pub(crate) fn database(&self) -> &Path {
        &self.site.database
    }

    /// All clients refresh for a while.
    pub(crate) async fn refresh(&mut self, options: &cli::Run) -> anyhow::Result<Figures> {
        let tokens = self.granted.iter().map(|tokens| tokens.refresh_token.clone()).collect();
        let refreshers = self.server.refreshers(tokens).await?;
        let (sample, refreshers) =
            measure(refreshers, &self.server.watched, options.pace.span()).await?;
        for (tokens, refresher) in self.granted.iter_mut().zip(refreshers) {
            tokens.refresh_token = refresher.into_tokens().0;
        }
        Ok(Figures::of(&sample))
    }
}
