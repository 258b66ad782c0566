//! Signing keys come and go (KY-1).
//!
//! ```text
//! next ──► active ──► retiring ──► retired
//! ```
//!
//! Each step is one conditional change, so replicas that take it at the same moment take it once, and
//! units that change keys run one after the other, so there is always one key that signs.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, KeyState, SigningKey};

use crate::query::query;
use crate::table::{revision, signing_key};
use crate::{StoreError, Txn, UnitOfWork};

/// Publishes the key that signs next, unless there is one already.
#[derive(Clone, Debug)]
pub struct PublishNextKey {
    /// The key.
    pub candidate: SigningKey,
}

/// Moves keys on whose time has come.
#[derive(Clone, Copy, Debug)]
pub struct AdvanceKeys {
    /// Seconds for which a key is published before it signs.
    pub spread_seconds: i64,
    /// Seconds for which a key stays published after it signed for the last time.
    pub kept_seconds: i64,
    /// The current moment.
    pub now: Timestamp,
}

/// What moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysAdvanced {
    /// The key that signs from now on, if it is another one.
    pub activated: Option<String>,
    /// Keys that are gone from the key set.
    pub retired: Vec<String>,
}

impl UnitOfWork for PublishNextKey {
    /// Whether it is the one that signs next.
    type Outcome = bool;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        revision::hold_keys(txn).await?;
        let inserted = signing_key::insert(txn, &self.candidate, KeyState::Next).await?;
        if inserted {
            let at = self.candidate.created_at;
            record(txn, AuditKind::SigningKeyCreated, &self.candidate.kid, at);
            revision::bump_keys(txn).await?;
        }
        Ok(inserted)
    }
}

impl UnitOfWork for AdvanceKeys {
    type Outcome = KeysAdvanced;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<KeysAdvanced, StoreError> {
        revision::hold_keys(txn).await?;
        let keys = signing_key::all(txn.conn()).await?;
        let mut advanced = KeysAdvanced::default();
        for key in &keys {
            let due = |seconds| key.changed_at.plus_seconds(seconds) <= self.now;
            match key.state {
                KeyState::Next if due(self.spread_seconds) && self.activate(txn, key).await? => {
                    advanced.activated = Some(key.kid.clone());
                }
                KeyState::Retiring
                    if due(self.kept_seconds) && retire(txn, &key.kid, self.now).await? =>
                {
                    record(txn, AuditKind::SigningKeyRetired, &key.kid, self.now);
                    advanced.retired.push(key.kid.clone());
                }
                _ => {}
            }
        }
        if advanced != KeysAdvanced::default() {
            revision::bump_keys(txn).await?;
        }
        Ok(advanced)
    }
}

impl AdvanceKeys {
    /// The next key takes the place of the active one, which there is always. Whoever retires that one
    /// makes the step.
    async fn activate(&self, txn: &mut Txn<'_>, next: &SigningKey) -> Result<bool, StoreError> {
        let retiring = query(
            "UPDATE OAUTH_SIGNING_KEY SET state = 'retiring', changed_at = $2 \
             WHERE state = 'active' AND EXISTS (SELECT 1 FROM OAUTH_SIGNING_KEY n \
             WHERE n.kid = $1 AND n.state = 'next')",
        )
        .bind(next.kid.as_str())
        .bind(self.now.as_millis());
        if txn.change("let a signing key retire", retiring).await? == 0 {
            return Ok(false);
        }
        activate_next(txn, &next.kid, self.now).await
    }
}

/// The next key signs from now on. There must be no active one.
pub(super) async fn activate_next(
    txn: &mut Txn<'_>,
    kid: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let activate = query(
        "UPDATE OAUTH_SIGNING_KEY SET state = 'active', changed_at = $2 \
         WHERE kid = $1 AND state = 'next'",
    )
    .bind(kid.to_owned())
    .bind(now.as_millis());
    let activated = txn.change("let the next key sign", activate).await? == 1;
    if activated {
        record(txn, AuditKind::SigningKeyActivated, kid, now);
    }
    Ok(activated)
}

/// Takes a key out of the key set and destroys its private half. `false` if it was out before.
pub(super) async fn retire(
    txn: &mut Txn<'_>,
    kid: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let update = query(
        "UPDATE OAUTH_SIGNING_KEY SET state = 'retired', private_sealed = '', changed_at = $2 \
         WHERE kid = $1 AND state <> 'retired'",
    )
    .bind(kid.to_owned())
    .bind(now.as_millis());
    Ok(txn.change("retire a signing key", update).await? == 1)
}

pub(super) fn record(txn: &mut Txn<'_>, what: AuditKind, kid: &str, at: Timestamp) {
    txn.record(AuditEvent { detail: kid.to_owned(), ..AuditEvent::new(what, at) });
}
