//! What nobody can use any more goes away, a few rows at a time (DS-9).

use kernel::Timestamp;
use model::{AuditEvent, AuditKind};

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Seconds for which a code is kept after it expired, so that a second redemption is noticed
/// (TC-3).
const CODE_KEPT_SECONDS: i64 = 86_400;

/// Seconds for which a one-time id is kept after it expired, for clocks that differ.
const REPLAY_KEPT_SECONDS: i64 = 60;

/// Seconds for which a revoked access token is kept after it expired, for clocks that differ.
const REVOKED_KEPT_SECONDS: i64 = 60;

/// Seconds after which a client that never got a grant is forgotten.
pub(super) const UNUSED_CLIENT_KEPT_SECONDS: i64 = 86_400;

/// Removes expired rows.
#[derive(Clone, Copy, Debug)]
pub struct CollectGarbage {
    /// The current moment.
    pub now: Timestamp,
    /// How many rows of each table go at most.
    pub batch: u32,
}

/// How many rows went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Authorizations that nobody finished in time, and old finished ones.
    pub authorizations: u64,
    /// Sign-ins at providers from which nobody came back.
    pub upstream: u64,
    /// Codes.
    pub codes: u64,
    /// Refresh tokens.
    pub refresh_tokens: u64,
    /// Browser sessions.
    pub sessions: u64,
    /// Browsers that were known once.
    pub devices: u64,
    /// One-time ids.
    pub replays: u64,
    /// Access tokens that were revoked and would have ended by now.
    pub revoked_tokens: u64,
    /// Clients that never got a grant.
    pub clients: u64,
}

impl Collected {
    /// The most that went of any table.
    pub fn most(&self) -> u64 {
        let Self { authorizations, upstream, codes, refresh_tokens, sessions, .. } = *self;
        let Self { devices, replays, revoked_tokens, clients, .. } = *self;
        let some = [authorizations, upstream, codes, refresh_tokens, sessions, devices, replays];
        some.into_iter().chain([revoked_tokens, clients]).fold(0, u64::max)
    }
}

impl UnitOfWork for CollectGarbage {
    type Outcome = Collected;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<Collected, StoreError> {
        let collected = Collected {
            authorizations: self.sweep(txn, AUTHORIZATIONS, 0).await?,
            upstream: self.sweep(txn, UPSTREAM, 0).await?,
            codes: self.sweep(txn, CODES, CODE_KEPT_SECONDS).await?,
            refresh_tokens: self.sweep(txn, REFRESH_TOKENS, 0).await?,
            sessions: self.sweep(txn, SESSIONS, 0).await?,
            devices: self.sweep(txn, DEVICES, 0).await?,
            replays: self.sweep(txn, REPLAYS, REPLAY_KEPT_SECONDS).await?,
            revoked_tokens: self.sweep(txn, REVOKED_TOKENS, REVOKED_KEPT_SECONDS).await?,
            clients: self.sweep(txn, CLIENTS, UNUSED_CLIENT_KEPT_SECONDS).await?,
        };
        // Anybody can register, so those that go are counted and not told one by one.
        if collected.clients > 0 {
            let detail = format!("{} clients that never got a grant", collected.clients);
            txn.record(AuditEvent {
                detail,
                ..AuditEvent::new(AuditKind::ClientsForgotten, self.now)
            });
        }
        Ok(collected)
    }
}

const AUTHORIZATIONS: &str = "DELETE FROM OAUTH_TXN WHERE handle_hash IN \
    (SELECT handle_hash FROM OAUTH_TXN WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const UPSTREAM: &str = "DELETE FROM OAUTH_UPSTREAM WHERE state_hash IN \
    (SELECT state_hash FROM OAUTH_UPSTREAM WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const CODES: &str = "DELETE FROM OAUTH_CODE WHERE code_hash IN \
    (SELECT code_hash FROM OAUTH_CODE WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

/// The older generations first, see the table.
const REFRESH_TOKENS: &str = "DELETE FROM OAUTH_REFRESH_TOKEN WHERE token_hash IN \
    (SELECT token_hash FROM OAUTH_REFRESH_TOKEN WHERE kept_until <= $1 \
    ORDER BY kept_until, created_at LIMIT $2)";

const SESSIONS: &str = "DELETE FROM OAUTH_SESSION WHERE session_hash IN \
    (SELECT session_hash FROM OAUTH_SESSION WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const DEVICES: &str = "DELETE FROM OAUTH_DEVICE WHERE device_hash IN \
    (SELECT device_hash FROM OAUTH_DEVICE WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const REPLAYS: &str = "DELETE FROM OAUTH_REPLAY WHERE (purpose, one_time_id) IN \
    (SELECT purpose, one_time_id FROM OAUTH_REPLAY WHERE expires_at <= $1 \
    ORDER BY expires_at LIMIT $2)";

const REVOKED_TOKENS: &str = "DELETE FROM OAUTH_REVOKED_TOKEN WHERE token_id IN \
    (SELECT token_id FROM OAUTH_REVOKED_TOKEN WHERE expires_at <= $1 \
    ORDER BY expires_at LIMIT $2)";

/// The condition is repeated outside: between choosing and deleting, a person may have come.
const CLIENTS: &str = "DELETE FROM OAUTH_CLIENT WHERE unused_since <= $1 AND client_id IN \
    (SELECT client_id FROM OAUTH_CLIENT WHERE unused_since <= $1 \
    ORDER BY unused_since LIMIT $2)";

impl CollectGarbage {
    async fn sweep(
        &self,
        txn: &mut Txn<'_>,
        delete: &'static str,
        kept_seconds: i64,
    ) -> Result<u64, StoreError> {
        let before = self.now.plus_seconds(-kept_seconds);
        let delete = query(delete).bind(before.as_millis()).bind(i64::from(self.batch));
        txn.change("remove expired rows", delete).await
    }
}
