//! Changing signing keys, and what they are sealed with.

use std::process::ExitCode;

use anyhow::Context as _;
use auth::{Reseal, Resealed, SPREAD_SECONDS, new_key, opens};
use kernel::seal::SealingKey;
use kernel::{Clock as _, OsRandom, SystemClock, Timestamp};
use model::{KeyState, SigningKey};
use serde_json::json;
use store::Store;
use store::unit::{PublishNextKey, ResetSigningKeys, RevokeKeyOutcome, RevokeSigningKey};

use super::super::{migrate, source};
use crate::cli::{ConfigFile, KeysOptions, KeysReset, Named};
use crate::config::{self, Role};
use crate::output;

const NOT_WRITTEN: &str = "the database does not take the change; run the command again";

/// What the commands work with.
struct Desk {
    store: Store,
    /// Seals signing keys, as the server opens them.
    key: SealingKey,
    old: Vec<SealingKey>,
    random: OsRandom,
    now: Timestamp,
}

impl Desk {
    async fn open(file: &ConfigFile) -> anyhow::Result<Self> {
        let settings = config::load(&source::collect(file)?, Role::Auth)?.settings;
        let oauth =
            settings.oauth.as_ref().context("the authorization server is not configured")?;
        let store = migrate::open_for(&settings).await?;
        let ready = store.require_current_schema().await;
        ready.context("the database is not ready; run `wicketgate migrate` first")?;
        let old = oauth.old_key_encryption_keys.iter().map(|key| key.derive("seal")).collect();
        let key = oauth.key_encryption_key.derive("seal");
        Ok(Self { store, key, old, random: OsRandom::new(), now: SystemClock.now() })
    }

    /// A key that is sealed with another key than the server has would stop the server at its next start.
    async fn must_be_the_servers(&self) -> anyhow::Result<()> {
        let mut reader = self.store.read().await.context("the database does not answer")?;
        let keys = store::signing_key::all(reader.conn()).await?;
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        let known = std::iter::once(&self.key).chain(&self.old);
        anyhow::ensure!(
            active.is_none_or(|active| opens(known, active)),
            "oauth.key_encryption_key does not open the signing key that is in use; run this with the \
             server's configuration and environment, or see `wicketgate keys reset --help`"
        );
        Ok(())
    }

    fn fresh_key(&self) -> anyhow::Result<SigningKey> {
        Ok(new_key(&self.key, self.now, &self.random)?)
    }
}

pub(super) async fn rotate(options: &KeysOptions) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    desk.must_be_the_servers().await?;
    let candidate = desk.fresh_key()?;
    let kid = candidate.kid.clone();
    let published = desk.store.write(PublishNextKey { candidate }).await.context(NOT_WRITTEN)?;
    desk.store.close().await;
    let signs_at = desk.now.plus_seconds(SPREAD_SECONDS);
    if options.json {
        let (kid, signs_at) = (published.then_some(kid), published.then_some(signs_at.as_millis()));
        output::result(json!({ "published": published, "kid": kid, "signs_at_ms": signs_at }));
    } else if published {
        output::note(format!(
            "the key {kid} is published and signs from {} on (in two hours), if the server runs then",
            signs_at.as_seconds()
        ));
    } else {
        output::note("nothing to do: a new key is published already and waits for its time");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn revoke(options: &Named) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    desk.must_be_the_servers().await?;
    let unit =
        RevokeSigningKey { kid: options.name.clone(), candidate: desk.fresh_key()?, now: desk.now };
    let outcome = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    desk.store.close().await;
    let (changed, replaced_by) = match outcome {
        RevokeKeyOutcome::Revoked { replaced_by } => (true, replaced_by),
        RevokeKeyOutcome::AlreadyRetired => (false, None),
        RevokeKeyOutcome::Unknown => anyhow::bail!(
            "there is no signing key {:?}; `wicketgate keys list` shows them",
            options.name
        ),
    };
    if options.json {
        output::result(json!({
            "kid": options.name, "revoked": true, "changed": changed, "replaced_by": replaced_by,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output::note(match (changed, replaced_by) {
        (false, _) => "nothing to do: the key was gone before".to_owned(),
        (true, None) => "the key is gone; tokens that it signed end within seconds".to_owned(),
        (true, Some(kid)) => format!(
            "the key is gone and {kid} signs now; tokens that the old one signed end within seconds"
        ),
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn reseal(options: &KeysOptions) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&options.config).await?;
    let Desk { store, key, old, random, now } = &desk;
    let done = Reseal { store, key, old, random, now: *now }.run().await;
    let Resealed { resealed, current, lost } = done.context(NOT_WRITTEN)?;
    desk.store.close().await;
    if options.json {
        output::result(json!({ "resealed": resealed, "current": current, "lost": lost }));
    } else {
        output::note(format!(
            "{resealed} values are sealed under oauth.key_encryption_key now, {current} were before"
        ));
        for what in &lost {
            output::note(format!("none of the configured keys opens: {what}"));
        }
        if lost.is_empty() {
            output::note(
                "When every server runs with this key and ten minutes have passed, \
                 oauth.old_key_encryption_keys can be emptied.",
            );
        }
    }
    Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is said before anything is lost.
const WARNING: &str = "\
This ends every signing key and begins with a new one, sealed under oauth.key_encryption_key:
- access tokens end within seconds; clients get new ones with their refresh tokens, which stay good;
- one-time codes of local accounts no longer open and have to be set again (`wicketgate account totp`);
- providers cannot be asked about people (recheck_seconds) until those sign in again.
If the lost key can be found, put it into oauth.old_key_encryption_keys instead: then nothing is lost.";

pub(super) async fn reset(options: &KeysReset) -> anyhow::Result<ExitCode> {
    if !options.yes {
        output::note(WARNING);
        anyhow::bail!("nothing was changed; add --yes to do it");
    }
    let desk = Desk::open(&options.config).await?;
    let candidate = desk.fresh_key()?;
    let kid = candidate.kid.clone();
    let unit = ResetSigningKeys { candidate, now: desk.now };
    let ended = desk.store.write(unit).await.context(NOT_WRITTEN)?;
    desk.store.close().await;
    if options.json {
        output::result(json!({ "ended": ended, "kid": kid }));
    } else {
        output::note(format!("{ended} signing keys have ended, and {kid} signs now"));
    }
    Ok(ExitCode::SUCCESS)
}
