//! `wicketgate account`: people who sign in here with a password.

mod list;
mod manage;
mod typed;
mod username;

use std::process::ExitCode;

use anyhow::Context as _;
use kernel::seal::SealingKey;
use kernel::{Clock as _, OsRandom, SystemClock, Timestamp};
use store::Store;

use super::{migrate, run_to_end, source};
use crate::cli::{AccountCommand, ConfigFile};
use crate::config::{self, AccountSettings, Role};

/// Runs one of the commands.
pub(super) fn run(command: &AccountCommand) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        match command {
            AccountCommand::Add(options) => manage::add(options).await,
            AccountCommand::Password(options) => manage::password(options).await,
            AccountCommand::Totp(options) => manage::totp(options).await,
            AccountCommand::List(options) => list::run(options).await,
            AccountCommand::Disable(options) => manage::disable(options).await,
            AccountCommand::Enable(options) => manage::enable(options).await,
        }
    })?
}

/// What the commands work with.
struct Desk {
    store: Store,
    accounts: AccountSettings,
    /// Seals the secrets of one-time codes, as the server opens them.
    key: SealingKey,
    /// The deployment's name.
    title: String,
    random: OsRandom,
}

impl Desk {
    /// Opens the configured database. Accounts can be managed while their provider is disabled.
    async fn open(file: &ConfigFile) -> anyhow::Result<Self> {
        let settings = config::load(&source::collect(file)?, Role::Auth)?.settings;
        let oauth =
            settings.oauth.as_ref().context("the authorization server is not configured")?;
        let accounts = oauth.accounts.clone().context(
            "no provider for local accounts is configured; add a [[sign_in.provider]] with \
             kind = \"local\"",
        )?;
        let store = migrate::open_for(&settings).await?;
        store
            .require_current_schema()
            .await
            .context("the database is not ready; run `wicketgate migrate` first")?;
        let key = oauth.key_encryption_key.derive("seal");
        let title = settings.server.title.clone();
        Ok(Self { store, accounts, key, title, random: OsRandom::new() })
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }
}
