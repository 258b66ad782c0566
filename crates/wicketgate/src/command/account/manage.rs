//! Making and changing accounts. Everything is checked before anything is written, and each command
//! writes one unit.

use std::process::ExitCode;

use anyhow::Context as _;
use model::{Account, AccountId};
use sso::local::password;
use sso::local::totp::TotpSecret;
use store::unit::{
    AccountOutcome, AddAccount, AddAccountOutcome, DisableAccount, EnableAccount, SetPassword,
    SetTotp,
};

use super::{Desk, typed, username};
use crate::cli::{AccountAdd, AccountName, AccountTotp};
use crate::output;

/// `account add`.
pub(super) async fn add(options: &AccountAdd) -> anyhow::Result<ExitCode> {
    let username = username::folded(&options.account.username)?;
    let email = options.email.clone();
    if let Some(address) = &email {
        anyhow::ensure!(is_address(address), "{address:?} is not an e-mail address");
    }
    let desk = Desk::open(&options.account.config).await?;
    // Asked again by the unit; this spares somebody from typing a password for nothing.
    anyhow::ensure!(desk.find(&username).await?.is_none(), taken(&username));
    let password_hash = desk.new_password_hash(&username)?;
    let now = Desk::now();
    let account = Account {
        id: AccountId::generate(&desk.random),
        name: options.name.clone().unwrap_or_else(|| username.clone()),
        username: username.clone(),
        password_hash,
        email,
        groups: options.groups.clone(),
        failed_attempts: 0,
        locked_until: None,
        totp_sealed: None,
        totp_step: 0,
        disabled_at: None,
        created_at: now,
        password_changed_at: now,
    };
    match desk.store.write(AddAccount { account }).await.context(NOT_WRITTEN)? {
        AddAccountOutcome::Added => desk.done(format!("{username} can sign in now")).await,
        AddAccountOutcome::UsernameTaken => anyhow::bail!(taken(&username)),
    }
}

/// `account password`.
pub(super) async fn password(options: &AccountName) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    let username = desk.existing(&options.username).await?.username;
    let password_hash = desk.new_password_hash(&username)?;
    let provider = desk.accounts.provider.clone();
    let unit =
        SetPassword { username: username.clone(), password_hash, provider, now: Desk::now() };
    let outcome = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    desk.changed(&outcome, &username, "has a new password, and no session any more").await
}

/// `account totp`.
pub(super) async fn totp(options: &AccountTotp) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.account.config).await?;
    let account = desk.existing(&options.account.username).await?;
    let username = account.username.clone();
    let secret = (!options.remove).then(|| TotpSecret::generate(&desk.random));
    let uri = secret.as_ref().map(|secret| secret.uri(&username, &issuer_name(&desk.title)));
    let uri = uri.transpose().context("the one-time codes cannot be set up")?;
    let place = Account::totp_place(&account.id);
    let totp_sealed = secret.map(|secret| desk.key.seal(secret.bytes(), &place, &desk.random));
    let unit = SetTotp { username: username.clone(), totp_sealed, now: Desk::now() };
    let outcome = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    let Some(uri) = uri else {
        return desk.changed(&outcome, &username, "no longer needs a one-time code").await;
    };
    let code = desk.changed(&outcome, &username, "must now enter a one-time code").await?;
    output::note("Add this to an authenticator app; it is shown only once:");
    output::result(uri);
    Ok(code)
}

/// `account disable`.
pub(super) async fn disable(options: &AccountName) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    let username = username::folded(&options.username)?;
    let provider = desk.accounts.provider.clone();
    let unit = DisableAccount { username: username.clone(), provider, now: Desk::now() };
    let outcome = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    desk.changed(&outcome, &username, "is disabled; sessions and connections have ended").await
}

/// `account enable`.
pub(super) async fn enable(options: &AccountName) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    let username = username::folded(&options.username)?;
    let provider = desk.accounts.provider.clone();
    let unit = EnableAccount { username: username.clone(), provider, now: Desk::now() };
    let outcome = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    desk.changed(&outcome, &username, "can sign in").await
}

const NOT_WRITTEN: &str = "the database does not take the change; nothing was changed";

impl Desk {
    async fn find(&self, username: &str) -> anyhow::Result<Option<Account>> {
        let mut reader = self.store.read().await.context("the database does not answer")?;
        store::account::find(reader.conn(), username).await.context("the account cannot be read")
    }

    async fn existing(&self, given: &str) -> anyhow::Result<Account> {
        let username = username::folded(given)?;
        self.find(&username).await?.with_context(|| unknown(&username))
    }

    fn new_password_hash(&self, username: &str) -> anyhow::Result<String> {
        let new = typed::new_password()?;
        password::check_new(&new, username, self.accounts.minimum_password_length)?;
        Ok(password::hash(&new, &self.random))
    }

    async fn changed(
        &self,
        outcome: &AccountOutcome,
        username: &str,
        how: &str,
    ) -> anyhow::Result<ExitCode> {
        match outcome {
            AccountOutcome::Changed(_) => self.done(format!("{username} {how}")).await,
            AccountOutcome::Unknown => anyhow::bail!(unknown(username)),
        }
    }

    async fn done(&self, what: String) -> anyhow::Result<ExitCode> {
        self.store.close().await;
        output::note(what);
        Ok(ExitCode::SUCCESS)
    }
}

/// Enough to be unambiguous in a rule; whether mail arrives there is not asked.
fn is_address(address: &str) -> bool {
    let (local, domain) = address.split_once('@').unwrap_or_default();
    let plain = address.bytes().all(|b| b.is_ascii_graphic());
    plain && !local.is_empty() && !domain.is_empty() && !domain.contains('@')
}

/// Authenticator apps show it beside the code; a colon ends it (Key Uri Format).
fn issuer_name(title: &str) -> String {
    title.replace(':', " ")
}

fn unknown(username: &str) -> String {
    format!("there is no account {username}; see `wicketgate account list`")
}

fn taken(username: &str) -> String {
    format!("the account {username} exists already; `wicketgate account password` changes it")
}
