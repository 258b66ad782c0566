//! `wicketgate user`: people who have signed in.

use std::process::ExitCode;

use anyhow::Context as _;
use kernel::{Clock as _, SystemClock};
use model::{Subject, SubjectId};
use serde_json::json;
use store::Store;
use store::unit::{DisablePerson, EnablePerson, PersonOutcome};

use super::{migrate, run_to_end};
use crate::cli::{ConfigFile, Listing, UserCommand, UserId};
use crate::output;

/// Runs one of the commands.
pub(super) fn run(command: &UserCommand) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        match command {
            UserCommand::List(options) => list(options).await,
            UserCommand::Disable(options) => {
                let (store, subject) = existing(&options.config, &options.id).await?;
                let unit = DisablePerson { subject, now: SystemClock.now() };
                let outcome = store.write(unit).await.context(NOT_WRITTEN)?;
                let and = "; sessions and connections have ended";
                done(&store, options, outcome, "disabled", and).await
            }
            UserCommand::Enable(options) => {
                let (store, subject) = existing(&options.config, &options.id).await?;
                let unit = EnablePerson { subject, now: SystemClock.now() };
                let outcome = store.write(unit).await.context(NOT_WRITTEN)?;
                done(&store, options, outcome, "enabled", " and can sign in").await
            }
        }
    })?
}

const NOT_WRITTEN: &str = "the database does not take the change; nothing was changed";

async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    let store = migrate::open(file).await?;
    let ready = store.require_current_schema().await;
    ready.context("the database is not ready; run `wicketgate migrate` first")?;
    Ok(store)
}

async fn existing(file: &ConfigFile, id: &str) -> anyhow::Result<(Store, SubjectId)> {
    let store = open(file).await?;
    let id = SubjectId::from_stored(id);
    let mut reader = store.read().await.context("the database does not answer")?;
    let found = store::subject::find(reader.conn(), &id).await;
    drop(reader);
    let found = found.context("the person cannot be read")?;
    found.with_context(|| format!("there is nobody with the id {:?}", id.as_str()))?;
    Ok((store, id))
}

async fn done(
    store: &Store,
    options: &UserId,
    outcome: PersonOutcome,
    state: &str,
    and: &str,
) -> anyhow::Result<ExitCode> {
    store.close().await;
    if options.json {
        let changed = outcome == PersonOutcome::Changed;
        let (id, disabled) = (&options.id, state == "disabled");
        output::result(json!({ "id": id, "disabled": disabled, "changed": changed }));
        return Ok(ExitCode::SUCCESS);
    }
    output::note(match outcome {
        PersonOutcome::Changed => format!("the person is {state}{and}"),
        PersonOutcome::Unchanged => format!("nothing to do: the person is already {state}"),
    });
    Ok(ExitCode::SUCCESS)
}

async fn list(options: &Listing) -> anyhow::Result<ExitCode> {
    let store = open(&options.config).await?;
    let mut reader = store.read().await.context("the database does not answer")?;
    let people = store::subject::list(reader.conn()).await.context("people cannot be read")?;
    drop(reader);
    store.close().await;
    if options.json {
        output::result(serde_json::Value::Array(people.iter().map(as_json).collect()));
        return Ok(ExitCode::SUCCESS);
    }
    if people.is_empty() {
        output::note("Nobody has signed in yet.");
        return Ok(ExitCode::SUCCESS);
    }
    let width = people.iter().map(|person| person.id.as_str().len()).max().unwrap_or_default();
    output::result(format!(
        "{:width$}  {:8}  {:15}  PROVIDER/EXTERNAL ID  NAME",
        "ID", "STATE", "TYPE"
    ));
    for person in &people {
        let state = if person.disabled_at.is_some() { "disabled" } else { "enabled" };
        // What a provider says is not to move the cursor of whoever reads this.
        output::result(format!(
            "{:width$}  {state:8}  {:15}  {}/{}  {}",
            person.id.as_str(),
            person.user_type.as_str(),
            person.identity.provider,
            person.identity.external_id.escape_debug(),
            person.identity.name.escape_debug(),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(person: &Subject) -> serde_json::Value {
    let email = person.identity.email.as_ref();
    json!({
        "id": person.id.as_str(),
        "provider": person.identity.provider,
        "external_id": person.identity.external_id,
        "name": person.identity.name,
        "email": email.map(|email| &email.address),
        "email_verified": email.map(|email| email.verified),
        "groups": person.identity.groups,
        "organizations": person.identity.organizations,
        "user_type": person.user_type.as_str(),
        "disabled_at_ms": person.disabled_at.map(kernel::Timestamp::as_millis),
    })
}
