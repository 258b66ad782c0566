//! Everything ends that was granted with something that is switched off (GR-1, GR-2).

use kernel::Timestamp;
use model::person::MACHINES;
use model::{Disabled, DisabledKind, GrantId, RevocationReason};

use super::revoke_grant;
use crate::query::{Query, query};
use crate::row::Fields;
use crate::table::grant;
use crate::{StoreError, Txn, UnitOfWork};

/// Ends sessions, codes and a number of grants of something. Run it again with what it says until
/// nothing is left: everybody who wants to write waits for each commit, so there are several.
#[derive(Clone, Debug)]
pub struct EndAllOf {
    /// What is switched off already: see [`Disable`](super::Disable).
    pub what: Disabled,
    /// Where the last run came to; `None` for the first one.
    pub after: Option<GrantId>,
    /// How many grants end at most.
    pub batch: u32,
    /// The current moment.
    pub now: Timestamp,
}

/// What one run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedSome {
    /// Grants that were live until now.
    pub grants: u64,
    /// Browser sessions: those of a provider's people.
    pub sessions: u64,
    /// There may be more grants after this one.
    pub more_after: Option<GrantId>,
}

impl UnitOfWork for EndAllOf {
    type Outcome = EndedSome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<EndedSome, StoreError> {
        let mut ended = EndedSome::default();
        if self.after.is_none() {
            ended.sessions = self.end_sessions(txn).await?;
            // The codes first: one that is being redeemed at this moment holds its row, so this waits
            // for it and the grant is among those that are listed afterwards.
            self.burn_codes(txn).await?;
            self.wait_for_machines(txn).await?;
        }
        let grants = self.live_grants(txn).await?;
        for id in &grants {
            let reason = RevocationReason::Administrative;
            let revoked = revoke_grant::end(txn, id, reason, self.now).await?;
            ended.grants += u64::from(revoked.is_some_and(|revoked| revoked.newly));
        }
        let full = u32::try_from(grants.len()).is_ok_and(|count| count == self.batch);
        ended.more_after = grants.last().filter(|_| full).cloned();
        Ok(ended)
    }
}

impl EndAllOf {
    async fn end_sessions(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        if self.what.kind != DisabledKind::Provider {
            return Ok(0);
        }
        let delete = query(
            "DELETE FROM OAUTH_SESSION WHERE subject_id IN \
             (SELECT subject_id FROM OAUTH_SUBJECT WHERE provider = $1)",
        )
        .bind(self.what.name.as_str());
        txn.change("end the sessions of a provider", delete).await
    }

    /// A machine that is let in at this moment holds its row; its grant is listed afterwards.
    async fn wait_for_machines(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = match self.what.kind {
            DisabledKind::Client => {
                query("UPDATE OAUTH_SUBJECT SET signed_in_at = signed_in_at WHERE subject_id = $1")
                    .bind(self.what.name.as_str())
            }
            DisabledKind::Server => {
                query("UPDATE OAUTH_SUBJECT SET signed_in_at = signed_in_at WHERE provider = $1")
                    .bind(MACHINES)
            }
            DisabledKind::Organization | DisabledKind::Provider => return Ok(()),
        };
        txn.change("wait for machines", update).await.map(drop)
    }

    /// Whatever another replica's clock says.
    async fn burn_codes(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query(match self.what.kind {
            DisabledKind::Client => {
                "UPDATE OAUTH_CODE SET expires_at = 0 WHERE client_id = $1 \
                 AND redeemed_as IS NULL AND expires_at > 0"
            }
            DisabledKind::Organization => {
                "UPDATE OAUTH_CODE SET expires_at = 0 WHERE organization = $1 \
                 AND redeemed_as IS NULL AND expires_at > 0"
            }
            DisabledKind::Server => {
                "UPDATE OAUTH_CODE SET expires_at = 0 WHERE resource = $1 \
                 AND redeemed_as IS NULL AND expires_at > 0"
            }
            DisabledKind::Provider => {
                "UPDATE OAUTH_CODE SET expires_at = 0 WHERE EXISTS (SELECT 1 FROM OAUTH_SUBJECT s \
                 WHERE s.subject_id = OAUTH_CODE.subject_id AND s.provider = $1) \
                 AND redeemed_as IS NULL AND expires_at > 0"
            }
        });
        let update = update.bind(self.what.name.as_str());
        txn.change("burn codes", update).await.map(drop)
    }

    async fn live_grants(&self, txn: &mut Txn<'_>) -> Result<Vec<GrantId>, StoreError> {
        let after = self.after.as_ref().map_or("", |id| id.as_str());
        let select: Query<'_> = query(match self.what.kind {
            DisabledKind::Client => {
                "SELECT grant_id FROM OAUTH_GRANT WHERE client_id = $1 \
                 AND revoked_at IS NULL AND grant_id > $2 ORDER BY grant_id LIMIT $3"
            }
            DisabledKind::Organization => {
                "SELECT grant_id FROM OAUTH_GRANT WHERE organization = $1 \
                 AND revoked_at IS NULL AND grant_id > $2 ORDER BY grant_id LIMIT $3"
            }
            DisabledKind::Server => {
                "SELECT grant_id FROM OAUTH_GRANT WHERE resource = $1 \
                 AND revoked_at IS NULL AND grant_id > $2 ORDER BY grant_id LIMIT $3"
            }
            DisabledKind::Provider => {
                "SELECT grant_id FROM OAUTH_GRANT WHERE EXISTS (SELECT 1 FROM OAUTH_SUBJECT s \
                 WHERE s.subject_id = OAUTH_GRANT.subject_id AND s.provider = $1) \
                 AND revoked_at IS NULL AND grant_id > $2 ORDER BY grant_id LIMIT $3"
            }
        });
        let select = select.bind(self.what.name.as_str()).bind(after).bind(i64::from(self.batch));
        let rows = txn.conn().all("list live grants", select).await?;
        rows.iter().map(|row| Fields::of(row, grant::TABLE).id("grant_id")).collect()
    }
}
