//! Whether a refresh costs more when there are many refresh tokens (A6).

use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs::File, path::Path};

use anyhow::{Context as _, ensure};
use tokio::time::Instant;

use crate::cli;
use crate::figures::Figures;
use crate::load::measure as measure_load;
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use crate::run::note;
use crate::start::{Site, Started};

/// Clients, each with one refresh token: the rows of the smaller table.
pub(crate) const FEW: u32 = 10;

/// The medians with few and with many rows.
pub(crate) struct TableSize {
    pub(crate) rows: u32,
    pub(crate) few: Figures,
    pub(crate) many: Figures,
    /// How long it took to fill the table.
    pub(crate) filling: Duration,
}

/// A gateway with its clients.
struct Filled {
    server: Server,
    tokens: Vec<String>,
    rounds: Vec<Figures>,
    _process: Started,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<TableSize> {
    let mut few = Filled::start(options, "few-rows", None).await?;
    let begin = Instant::now();
    let mut many = Filled::start(options, "many-rows", Some(options.table_rows)).await?;
    let filling = begin.elapsed();
    for _ in 0..options.pace.rounds {
        few.round(options).await?;
        many.round(options).await?;
    }
    Ok(TableSize {
        rows: options.table_rows,
        few: Figures::medians(&few.rounds),
        many: Figures::medians(&many.rounds),
        filling,
    })
}

impl Filled {
    /// The gateway makes its schema and gives each client a grant; what fills the table comes
    /// between its end and its next start.
    async fn start(options: &cli::Run, name: &str, rows: Option<u32>) -> anyhow::Result<Self> {
        let site = Site::of(options, name)?;
        let process = site.start().await?;
        let mut person = Person::at(site.address).await?;
        let resource = format!("http://{}/mcp", site.address);
        let mut tokens = Vec::new();
        for _ in 0..FEW {
            tokens.push(person.authorize(&resource).await?.refresh_token);
        }
        drop(process);
        if let Some(rows) = rows {
            note(&format!("filling a table with {rows} rows"));
            fill(&site.database, rows)?;
        }
        let process = site.start().await?;
        let server = Server {
            address: site.address,
            watched: Family::of(process.pid())?,
            client_id: person.client_id().to_owned(),
        };
        Ok(Self { server, tokens, rounds: Vec::new(), _process: process })
    }

    async fn round(&mut self, options: &cli::Run) -> anyhow::Result<()> {
        let refreshers = self.server.refreshers(std::mem::take(&mut self.tokens)).await?;
        let (sample, refreshers) =
            measure_load(refreshers, &self.server.watched, options.pace.span()).await?;
        self.tokens = refreshers.into_iter().map(|refresher| refresher.into_tokens().0).collect();
        self.rounds.push(Figures::of(&sample));
        Ok(())
    }
}

fn fill(database: &Path, rows: u32) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rows.sql");
    let status = Command::new("sqlite3")
        // In this order: a change of temp_store forgets the parameters.
        .args(["-bail", "-cmd", "PRAGMA temp_store = MEMORY"])
        .args(["-cmd", &format!(".parameter set :rows {rows}")])
        .arg(database)
        .stdin(Stdio::from(File::open(script)?))
        .stdout(Stdio::null())
        .status()
        .context("sqlite3 does not start")?;
    ensure!(status.success(), "sqlite3 could not fill the table: {status}");
    // What would otherwise be written while the refreshes wait for the same disk.
    Ok(File::open(database)?.sync_all()?)
}
