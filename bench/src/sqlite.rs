//! Databases filled and asked from outside, by the command `sqlite3`.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// Runs a script of bench/, which knows a number as `:rows`. Nobody else may use the database.
pub(crate) fn run(database: &Path, script: &str, rows: u32) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let status = Command::new("sqlite3")
        // In this order: a change of temp_store forgets the parameters.
        .args(["-bail", "-cmd", "PRAGMA temp_store = MEMORY"])
        .args(["-cmd", &format!(".parameter set :rows {rows}")])
        .arg(database)
        .stdin(Stdio::from(File::open(script)?))
        .stdout(Stdio::null())
        .status()
        .context("sqlite3 does not start")?;
    ensure!(status.success(), "sqlite3 could not change the database: {status}");
    // What would otherwise be written while requests wait for the same disk.
    Ok(File::open(database)?.sync_all()?)
}

/// The number that a query finds, also while a gateway uses the database.
pub(crate) fn number(database: &Path, query: &str) -> anyhow::Result<u64> {
    let output = Command::new("sqlite3")
        .args(["-readonly", "-bail"])
        .arg(database)
        .arg(query)
        .stderr(Stdio::inherit())
        .output()
        .context("sqlite3 does not start")?;
    ensure!(output.status.success(), "sqlite3 could not ask the database: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().with_context(|| format!("sqlite3 found no number but {text:?}"))
}
