//! `wicketgate client`, `organization`, `provider` and `server`: switching one off, and on again.

use std::process::ExitCode;

use anyhow::Context as _;
use kernel::{Clock as _, SystemClock};
use model::{ClientId, Disabled, DisabledKind};
use protocol::client_document::DocumentUrl;
use serde_json::json;
use store::Store;
use store::unit::{Disable, Enable, EndAllOf};

use super::{migrate, run_to_end, source};
use crate::cli::{Listing, Named, SwitchCommand};
use crate::config::{self, Role, Settings, SignInSettings};
use crate::output;

/// Grants that end with one commit, for which everybody who wants to write waits.
const BATCH: u32 = 200;

const NOT_WRITTEN: &str = "the database does not take the change; run the command again";

/// Runs one of the commands for things of a kind.
pub(super) fn run(kind: DisabledKind, command: &SwitchCommand) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        match command {
            SwitchCommand::List(options) => list(kind, options).await,
            SwitchCommand::Disable(options) => disable(kind, options).await,
            SwitchCommand::Enable(options) => enable(kind, options).await,
        }
    })?
}

/// What ended.
#[derive(Default)]
struct Ended {
    grants: u64,
    sessions: u64,
}

async fn disable(kind: DisabledKind, options: &Named) -> anyhow::Result<ExitCode> {
    let (settings, store) = open(options).await?;
    let things = things(kind, &options.name, &settings)?;
    let (mut changed, mut ended) = (false, Ended::default());
    for what in things {
        let unit = Disable { what: what.clone(), now: SystemClock.now() };
        changed |= store.write(unit).await.context(NOT_WRITTEN)?;
        // Also where it was off before, so that a run that was cut short can be finished.
        end_all_of(&store, &what, &mut ended).await?;
    }
    let known = is_known(kind, &options.name, &settings, &store).await?;
    store.close().await;
    let Ended { grants, sessions } = ended;
    if options.json {
        output::result(json!({
            "kind": kind.as_str(), "name": options.name, "disabled": true, "changed": changed,
            "known": known, "ended": { "grants": grants, "sessions": sessions },
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let state = if changed { "is switched off" } else { "was switched off already" };
    output::note(format!(
        "{} {:?} {state}; {grants} connections and {sessions} browser sessions have ended",
        kind.as_str(),
        options.name,
    ));
    if !known {
        output::note(format!(
            "no {} of that name is known here: look for a typing mistake; should one come, it is off",
            kind.as_str(),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is such a thing now. Somebody in a hurry who mistypes a name should hear of it at once.
/// Organizations are known by what providers say of people, so any may come.
async fn is_known(
    kind: DisabledKind,
    name: &str,
    settings: &Settings,
    store: &Store,
) -> anyhow::Result<bool> {
    let oauth = settings.oauth.as_ref();
    Ok(match kind {
        DisabledKind::Server | DisabledKind::Organization => true,
        DisabledKind::Provider => oauth.is_some_and(|oauth| match &oauth.sign_in {
            SignInSettings::Providers(all) => all.iter().any(|provider| provider.id == name),
            _ => true,
        }),
        DisabledKind::Client => {
            let id = ClientId::from_text(name);
            let configured = oauth.is_some_and(|it| it.clients.iter().any(|one| one.id == id));
            let mut reader = store.read().await.context("the database does not answer")?;
            let registered = store::client::find(reader.conn(), &id).await.context(NOT_READY)?;
            configured || registered.is_some() || DocumentUrl::is_meant(name)
        }
    })
}

async fn end_all_of(store: &Store, what: &Disabled, ended: &mut Ended) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let unit = EndAllOf { what: what.clone(), after, batch: BATCH, now: SystemClock.now() };
        let some = store.write(unit).await.context(NOT_WRITTEN)?;
        ended.grants += some.grants;
        ended.sessions += some.sessions;
        after = some.more_after;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn enable(kind: DisabledKind, options: &Named) -> anyhow::Result<ExitCode> {
    let (settings, store) = open(options).await?;
    let mut changed = false;
    for what in things(kind, &options.name, &settings)? {
        // What a disabling that was cut short left, and codes of replicas that had not noticed yet.
        end_all_of(&store, &what, &mut Ended::default()).await?;
        let unit = Enable { what, now: SystemClock.now() };
        changed |= store.write(unit).await.context(NOT_WRITTEN)?;
    }
    store.close().await;
    if options.json {
        output::result(json!({
            "kind": kind.as_str(), "name": options.name, "disabled": false, "changed": changed,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let state = if changed { "is switched on; what ended stays ended" } else { "was not off" };
    output::note(format!("{} {:?} {state}", kind.as_str(), options.name));
    Ok(ExitCode::SUCCESS)
}

async fn list(kind: DisabledKind, options: &Listing) -> anyhow::Result<ExitCode> {
    let store = migrate::open(&options.config).await?;
    let mut reader = store.read().await.context("the database does not answer")?;
    let all = store::disabled::all(reader.conn()).await.context(NOT_READY)?;
    drop(reader);
    store.close().await;
    let own: Vec<_> = all.into_iter().filter(|(what, _)| what.kind == kind).collect();
    if options.json {
        let list = own
            .iter()
            .map(|(what, since)| json!({ "name": what.name, "disabled_at_ms": since.as_millis() }));
        output::result(serde_json::Value::Array(list.collect()));
        return Ok(ExitCode::SUCCESS);
    }
    if own.is_empty() {
        output::note(format!("No {} is switched off.", kind.as_str()));
    }
    for (what, since) in own {
        output::result(format!("{}  since {}", what.name.escape_debug(), since.as_seconds()));
    }
    Ok(ExitCode::SUCCESS)
}

const NOT_READY: &str = "the database is not ready; run `wicketgate migrate` first";

async fn open(options: &Named) -> anyhow::Result<(Settings, Store)> {
    let settings = config::load(&source::collect(&options.config)?, Role::Auth)?.settings;
    let store = migrate::open_for(&settings).await?;
    store.require_current_schema().await.context(NOT_READY)?;
    Ok((settings, store))
}

/// What the name stands for. A server with a second URL is two resources.
fn things(kind: DisabledKind, name: &str, settings: &Settings) -> anyhow::Result<Vec<Disabled>> {
    let DisabledKind::Server = kind else { return Ok(vec![Disabled::new(kind, name)]) };
    let servers = &settings.mcp.servers;
    let server = servers.iter().find(|server| server.name == name).with_context(|| {
        let names: Vec<&str> = servers.iter().map(|server| &*server.name).collect();
        format!("there is no server {name:?}; the configuration has: {}", names.join(", "))
    })?;
    let resources = [Some(&server.resource), server.sse.as_ref().map(|sse| &sse.resource)];
    Ok(resources.into_iter().flatten().map(|uri| Disabled::new(kind, uri.as_str())).collect())
}
