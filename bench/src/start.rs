//! How long the server takes from its start to its first answer.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::Instant;

use crate::cli;
use crate::wire::Wire;

/// What the database file is like at the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    /// There is none; the schema and the first signing key are made.
    New,
    /// It is the one of the start before.
    Existing,
}

const BETWEEN_TRIES: Duration = Duration::from_micros(200);
const TOO_LONG: Duration = Duration::from_secs(20);

/// Milliseconds from the start of the process to the answer of `/health`.
pub(crate) async fn time(options: &cli::Run, database: Database) -> anyhow::Result<f64> {
    if database == Database::New {
        remove(&options.start_database)?;
    }
    let start = Instant::now();
    let server = until_it_answers(options).await?;
    let taken = start.elapsed();
    drop(server);
    Ok(taken.as_secs_f64() * 1e3)
}

/// A process of its own that has answered `/health`.
pub(crate) async fn until_it_answers(options: &cli::Run) -> anyhow::Result<Started> {
    let start = Instant::now();
    let mut server = Started(
        Command::new(&options.binary)
            .arg("serve")
            .arg("--config")
            .arg(&options.start_config)
            .stderr(Stdio::piped())
            .spawn()
            .context("wicketgate does not start")?,
    );
    let mut wire = loop {
        if let Ok(wire) = Wire::connect(options.start_address).await {
            break wire;
        }
        if server.0.try_wait()?.is_some() {
            bail!("wicketgate ended at its start: {}", server.last_words());
        }
        ensure!(start.elapsed() < TOO_LONG, "wicketgate does not listen");
        tokio::time::sleep(BETWEEN_TRIES).await;
    };
    let host = options.start_address;
    let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let status = wire.ask(request.as_bytes()).await?.status;
    ensure!(status == 200, "health: status {status}");
    Ok(server)
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

    /// What an ended process wrote to standard error.
    fn last_words(&mut self) -> String {
        let mut text = String::new();
        if let Some(stderr) = &mut self.0.stderr {
            // What cannot be read is not worth a second error.
            let _ = stderr.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
