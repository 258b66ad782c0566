//! `wicketgate grant`: what people granted to clients.

use std::process::ExitCode;

use anyhow::Context as _;
use kernel::{Clock as _, SystemClock};
use model::{ClientId, Grant, GrantId, RevocationReason, SubjectId};
use serde_json::json;
use store::Store;
use store::unit::{RevokeGrant, RevokeOutcome};

use super::{migrate, run_to_end};
use crate::cli::{ConfigFile, GrantCommand, GrantList, Named};
use crate::output;

/// Runs one of the commands.
pub(super) fn run(command: &GrantCommand) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        match command {
            GrantCommand::List(options) => list(options).await,
            GrantCommand::Revoke(options) => revoke(options).await,
        }
    })?
}

/// Longer lists are read by nobody.
const MOST: u32 = 1_000;

async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    let store = migrate::open(file).await?;
    let ready = store.require_current_schema().await;
    ready.context("the database is not ready; run `wicketgate migrate` first")?;
    Ok(store)
}

async fn list(options: &GrantList) -> anyhow::Result<ExitCode> {
    let store = open(&options.config).await?;
    let user = options.user.as_deref().map(SubjectId::from_stored);
    let client = options.client.as_deref().map(ClientId::from_text);
    let mut reader = store.read().await.context("the database does not answer")?;
    let grants = store::grant::live(reader.conn(), user.as_ref(), client.as_ref(), MOST).await;
    let grants = grants.context("grants cannot be read")?;
    drop(reader);
    store.close().await;
    if options.json {
        output::result(serde_json::Value::Array(grants.iter().map(as_json).collect()));
        return Ok(ExitCode::SUCCESS);
    }
    if grants.is_empty() {
        output::note("Nobody has granted that to anybody.");
    }
    for grant in &grants {
        // What a client says of itself is not to move the cursor of whoever reads this.
        output::result(format!(
            "{}  {}  {}  {}  {}  {}",
            grant.id.as_str(),
            grant.subject.as_str(),
            grant.client,
            grant.resource,
            grant.scopes,
            grant.client_name.escape_debug(),
        ));
    }
    if u32::try_from(grants.len()).is_ok_and(|count| count == MOST) {
        output::note(format!("These are the newest {MOST}; narrow it with --user or --client."));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(grant: &Grant) -> serde_json::Value {
    json!({
        "id": grant.id.as_str(),
        "user": grant.subject.as_str(),
        "organization": grant.organization,
        "client": grant.client.as_str(),
        "client_name": grant.client_name,
        "redirect_host": grant.redirect_host,
        "resource": grant.resource.as_str(),
        "scopes": grant.scopes.to_string(),
        "created_at_ms": grant.created_at.as_millis(),
    })
}

async fn revoke(options: &Named) -> anyhow::Result<ExitCode> {
    let store = open(&options.config).await?;
    let unit = RevokeGrant {
        grant: GrantId::from_stored(&*options.name),
        reason: RevocationReason::Administrative,
        now: SystemClock.now(),
    };
    let outcome = store.write(unit).await;
    let outcome = outcome.context("the database does not take the change; nothing was changed")?;
    store.close().await;
    let changed = match outcome {
        RevokeOutcome::Revoked { .. } => true,
        RevokeOutcome::AlreadyRevoked => false,
        RevokeOutcome::Unknown => anyhow::bail!("there is no grant {:?}", options.name),
    };
    if options.json {
        output::result(json!({ "id": options.name, "revoked": true, "changed": changed }));
    } else if changed {
        output::note("the grant is revoked; its client has to ask again");
    } else {
        output::note("nothing to do: the grant was revoked before");
    }
    Ok(ExitCode::SUCCESS)
}
