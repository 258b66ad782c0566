//! Gateways of the bench's own, and how long one takes from its start to its first answer.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::Instant;

use crate::cli;
use crate::figures::median;
use crate::wire::Wire;

/// A configuration, and what belongs to the gateway that runs with it.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) database: PathBuf,
    binary: PathBuf,
    config: PathBuf,
    log: PathBuf,
    /// Variables of its environment, beside those that everybody has.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
}

/// What the database file is like at the start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Database {
    /// There is none; the schema and the first signing key are made.
    New,
    /// It is the one of the start before.
    Existing,
}

const BETWEEN_TRIES: Duration = Duration::from_micros(200);
const TOO_LONG: Duration = Duration::from_secs(20);

/// Milliseconds to the first answer, with a new and with an existing database: medians (F1).
pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<[f64; 2]> {
    let site = Site::of(options, "starting")?;
    let (mut new, mut existing) = (Vec::new(), Vec::new());
    for _ in 0..options.pace.rounds {
        new.push(site.time(Database::New).await?);
        existing.push(site.time(Database::Existing).await?);
    }
    Ok([median(new), median(existing)])
}

impl Site {
    /// The one of this name.
    pub(crate) fn of(options: &cli::Run, name: &str) -> anyhow::Result<Self> {
        let (_, address) = options
            .sites
            .iter()
            .find(|(site, _)| site == name)
            .with_context(|| format!("--site {name}=ADDRESS is missing"))?;
        let file = |suffix: &str| options.work.join(format!("{name}.{suffix}"));
        Ok(Self {
            address: *address,
            database: file("db"),
            binary: options.binary.clone(),
            config: file("toml"),
            log: file("log"),
            environment: Vec::new(),
        })
    }

    /// Milliseconds from the start of the process to the answer of `/health`.
    async fn time(&self, database: Database) -> anyhow::Result<f64> {
        if database == Database::New {
            remove(&self.database)?;
        }
        let start = Instant::now();
        let server = self.start().await?;
        let taken = start.elapsed();
        drop(server);
        Ok(taken.as_secs_f64() * 1e3)
    }

    /// A process of its own that has answered `/health`.
    pub(crate) async fn start(&self) -> anyhow::Result<Started> {
        self.start_in_role("all").await
    }

    /// The same in one of the roles of `wicketgate serve`.
    pub(crate) async fn start_in_role(&self, role: &str) -> anyhow::Result<Started> {
        let start = Instant::now();
        let mut command = Command::new(&self.binary);
        command.args(["serve", "--role", role, "--config"]).arg(&self.config);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stderr(Stdio::from(File::create(&self.log)?));
        let mut server = Started(command.spawn().context("wicketgate does not start")?);
        let mut wire = loop {
            if let Ok(wire) = Wire::connect(self.address).await {
                break wire;
            }
            if server.0.try_wait()?.is_some() {
                let last_words = std::fs::read_to_string(&self.log)?;
                bail!("wicketgate ended at its start: {last_words}");
            }
            ensure!(start.elapsed() < TOO_LONG, "wicketgate does not listen");
            tokio::time::sleep(BETWEEN_TRIES).await;
        };
        let host = self.address;
        let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let status = wire.ask(request.as_bytes()).await?.status;
        ensure!(status == 200, "health: status {status}");
        Ok(server)
    }
}

/// The database with what SQLite keeps beside it.
fn remove(database: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Ends with this value, also when something went wrong.
pub(crate) struct Started(Child);

impl Started {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
