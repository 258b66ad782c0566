//! An administrator switches something off, or on again (GR-2).

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, ClientId, Disabled, DisabledKind};

use crate::query::query;
use crate::table::revision;
use crate::{StoreError, Txn, UnitOfWork};

/// Switches something off: from now on no code of it becomes a grant, and servers refuse it as soon as
/// they look, which they do every two seconds. What was granted before ends with
/// [`EndAllOf`](super::EndAllOf).
#[derive(Clone, Debug)]
pub struct Disable {
    /// What.
    pub what: Disabled,
    /// The current moment.
    pub now: Timestamp,
}

/// Lets something be used again. What ended stays ended.
#[derive(Clone, Debug)]
pub struct Enable {
    /// What.
    pub what: Disabled,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for Disable {
    /// Whether it was not so before.
    type Outcome = bool;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_DISABLED (kind, name, disabled_at) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(self.what.kind.as_str())
        .bind(self.what.name.as_str())
        .bind(self.now.as_millis());
        let changed = txn.change("switch something off", insert).await? == 1;
        noted(txn, changed, AuditKind::Disabled, &self.what, self.now).await
    }
}

impl UnitOfWork for Enable {
    /// Whether it was not so before.
    type Outcome = bool;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let delete = query("DELETE FROM OAUTH_DISABLED WHERE kind = $1 AND name = $2")
            .bind(self.what.kind.as_str())
            .bind(self.what.name.as_str());
        let changed = txn.change("switch something on", delete).await? == 1;
        noted(txn, changed, AuditKind::Enabled, &self.what, self.now).await
    }
}

async fn noted(
    txn: &mut Txn<'_>,
    changed: bool,
    kind: AuditKind,
    what: &Disabled,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if changed {
        revision::bump_disabled(txn).await?;
        txn.record(AuditEvent {
            client: (what.kind == DisabledKind::Client).then(|| ClientId::from_text(&*what.name)),
            organization: (what.kind == DisabledKind::Organization).then(|| what.name.clone()),
            resource: (what.kind == DisabledKind::Server).then(|| what.name.clone()),
            detail: format!("{} {}", what.kind.as_str(), what.name),
            ..AuditEvent::new(kind, now)
        });
    }
    Ok(changed)
}
