//! `wicketgate migrate`.

use std::process::ExitCode;

use anyhow::Context as _;
use store::{SchemaState, Store};

use super::{run_to_end, source};
use crate::cli::{ConfigFile, Migrate};
use crate::compose::store_options as options;
use crate::config::{self, Role, Settings};
use crate::output;

/// Brings the schema up to date, or says whether it is.
pub(super) fn run(options: &Migrate) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        let store = open(&options.config).await?;
        let code = if options.check { check(&store).await? } else { migrate(&store).await? };
        store.close().await;
        Ok(code)
    })?
}

/// The configured database.
pub(super) async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    open_for(&config::load(&source::collect(file)?, Role::Auth)?.settings).await
}

/// The database of these settings.
pub(super) async fn open_for(settings: &Settings) -> anyhow::Result<Store> {
    let database = settings.database.as_ref().context("no database is configured")?;
    Store::open(options(database)).await.context("the database cannot be opened")
}

async fn migrate(store: &Store) -> anyhow::Result<ExitCode> {
    store.migrate().await.context("the schema cannot be brought up to date")?;
    output::result("The schema is up to date");
    Ok(ExitCode::SUCCESS)
}

async fn check(store: &Store) -> anyhow::Result<ExitCode> {
    let state = store.schema().await.context("the schema cannot be read")?;
    let (text, code) = match state {
        SchemaState::Current { version } => {
            (format!("The schema is up to date (version {version})"), ExitCode::SUCCESS)
        }
        SchemaState::Behind { found, newest } => (
            format!(
                "The schema is at version {found}; {newest} is the newest. Run `wicketgate migrate`"
            ),
            ExitCode::FAILURE,
        ),
        SchemaState::TooNew { found, newest } => (
            format!("The schema has version {found}; this program knows {newest}. Use a newer one"),
            ExitCode::FAILURE,
        ),
    };
    output::result(text);
    Ok(code)
}
