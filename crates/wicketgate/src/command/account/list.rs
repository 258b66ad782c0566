//! `wicketgate account list`.

use std::process::ExitCode;

use anyhow::Context as _;
use kernel::Timestamp;
use model::Account;

use super::Desk;
use crate::cli::Listing;
use crate::output;

/// Lists the accounts, never their hashes or secrets.
pub(super) async fn run(options: &Listing) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    let mut reader = desk.store.read().await.context("the database does not answer")?;
    let accounts =
        store::account::list(reader.conn()).await.context("the accounts cannot be read")?;
    drop(reader);
    desk.store.close().await;
    let now = Desk::now();
    if options.json {
        let list: Vec<_> = accounts.iter().map(|account| as_json(account, now)).collect();
        output::result(serde_json::Value::Array(list));
        return Ok(ExitCode::SUCCESS);
    }
    if accounts.is_empty() {
        output::note("There is no account yet; `wicketgate account add NAME` makes one.");
        return Ok(ExitCode::SUCCESS);
    }
    output::result(format!("{:20}  {:8}  CODES  NAME  EMAIL  [GROUPS]", "USER NAME", "STATE"));
    for account in &accounts {
        output::result(line(account, now));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(account: &Account, now: Timestamp) -> String {
    let codes = if account.totp_sealed.is_some() { "codes" } else { "-" };
    format!(
        "{:20}  {:8}  {codes:5}  {}  {}  [{}]",
        account.username,
        state(account, now),
        account.name.escape_debug(),
        account.email.as_deref().unwrap_or("-"),
        account.groups.join(", ").escape_debug(),
    )
}

fn state(account: &Account, now: Timestamp) -> &'static str {
    if account.disabled_at.is_some() {
        "disabled"
    } else if account.is_locked(now) {
        "locked"
    } else {
        "enabled"
    }
}

fn as_json(account: &Account, now: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "id": account.id.as_str(),
        "username": account.username,
        "name": account.name,
        "email": account.email,
        "groups": account.groups,
        "state": state(account, now),
        "locked_until_ms": account.locked_until.filter(|_| account.is_locked(now))
            .map(Timestamp::as_millis),
        "failed_attempts": account.failed_attempts,
        "one_time_codes": account.totp_sealed.is_some(),
        "created_at_ms": account.created_at.as_millis(),
        "password_changed_at_ms": account.password_changed_at.as_millis(),
    })
}
