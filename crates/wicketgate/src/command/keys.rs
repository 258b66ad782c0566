//! `wicketgate keys`: the keys that tokens are signed with.

mod change;

use std::process::ExitCode;

use anyhow::Context as _;
use model::SigningKey;

use super::{migrate, run_to_end};
use crate::cli::{KeysCommand, Listing};
use crate::output;

/// Runs one of the commands.
pub(super) fn run(command: &KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::List(options) => list(options),
        KeysCommand::Rotate(options) => run_to_end(change::rotate(options))?,
        KeysCommand::Revoke(options) => run_to_end(change::revoke(options))?,
        KeysCommand::Reseal(options) => run_to_end(change::reseal(options))?,
        KeysCommand::Reset(options) => run_to_end(change::reset(options))?,
    }
}

/// Lists the signing keys, never their private halves.
fn list(options: &Listing) -> anyhow::Result<ExitCode> {
    let keys = run_to_end(read(options))??;
    if options.json {
        let list: Vec<_> = keys.iter().map(as_json).collect();
        output::result(serde_json::Value::Array(list));
        return Ok(ExitCode::SUCCESS);
    }
    if keys.is_empty() {
        output::note("There is no signing key yet; the first `wicketgate serve` makes one.");
    }
    for key in keys {
        output::result(format!(
            "{}  {}  {:8}  since {}  created {}  sealed by {}",
            key.kid,
            key.alg,
            key.state.as_str(),
            key.changed_at.as_seconds(),
            key.created_at.as_seconds(),
            key.sealed_by,
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(options: &Listing) -> anyhow::Result<Vec<SigningKey>> {
    let store = migrate::open(&options.config).await?;
    let mut reader = store.read().await.context("the database does not answer")?;
    let keys = store::signing_key::all(reader.conn()).await.context(
        "the signing keys cannot be read; has `wicketgate migrate` run on this database?",
    )?;
    drop(reader);
    store.close().await;
    Ok(keys)
}

fn as_json(key: &SigningKey) -> serde_json::Value {
    serde_json::json!({
        "kid": key.kid,
        "alg": key.alg,
        "state": key.state.as_str(),
        "created_at_ms": key.created_at.as_millis(),
        "changed_at_ms": key.changed_at.as_millis(),
        "sealed_by": key.sealed_by,
    })
}
