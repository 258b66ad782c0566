//! What is known of keys and revocations, readable without waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use kernel::{Clock, Timestamp};
use protocol::status_list::StatusList;
use tokio::sync::Mutex;

use crate::access::NoPermit;
use crate::access::keys::{Key, KeySet};
use crate::access::permit::Permit;
use crate::authority::{Authority, AuthorityAway};

/// The board of keys and status lists, and the one who asks the authority for them.
pub(crate) struct Trust {
    authority: Arc<dyn Authority>,
    clock: Arc<dyn Clock>,
    max_age_seconds: i64,
    keys: ArcSwapOption<KeySet>,
    lists: ArcSwap<HashMap<u64, List>>,
    /// One question to the authority at a time; whoever waited looks at the board again.
    asking: Mutex<()>,
    /// When a key that is not in the set was last looked for.
    searched: AtomicI64,
    /// When the authority last failed to answer.
    failed: AtomicI64,
}

#[derive(Clone)]
struct List {
    statuses: Arc<StatusList>,
    obtained: Timestamp,
}

/// What the board says of a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenStatus {
    /// Valid now.
    Good,
    /// Expired, revoked, or its key is gone.
    Ended,
    /// Something is missing or too old.
    Unknown,
}

/// Unknown keys are looked for at most this often, so that forged key ids cost nothing.
const SEARCH_EVERY_SECONDS: i64 = 5;
/// After a failure, requests do not ask again for this long.
const RETRY_AFTER_SECONDS: i64 = 2;
const NEVER: i64 = i64::MIN;

impl Trust {
    pub(crate) fn new(
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
        max_age_seconds: i64,
    ) -> Self {
        Self {
            authority,
            clock,
            max_age_seconds,
            keys: ArcSwapOption::empty(),
            lists: ArcSwap::default(),
            asking: Mutex::new(()),
            searched: AtomicI64::new(NEVER),
            failed: AtomicI64::new(NEVER),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn authority(&self) -> &dyn Authority {
        &*self.authority
    }

    /// Whether a permit is good at this moment. No lock, no waiting.
    pub(crate) fn standing(&self, permit: &Permit) -> TokenStatus {
        let now = self.now();
        if permit.has_expired(now) {
            return TokenStatus::Ended;
        }
        let keys = self.keys.load();
        let Some(keys) = keys.as_ref().filter(|keys| self.is_fresh(keys.obtained, now)) else {
            return TokenStatus::Unknown;
        };
        // T-MCP-29: a key that was withdrawn takes its tokens along.
        if !keys.holds(permit.key()) {
            return TokenStatus::Ended;
        }
        let place = permit.status();
        match self.lists.load().get(&place.list) {
            // What ended stays so, so an old list may still say no.
            Some(list) if list.statuses.has_ended(place.bit, &permit.names().token) => {
                TokenStatus::Ended
            }
            Some(list) if self.is_fresh(list.obtained, now) => TokenStatus::Good,
            _ => TokenStatus::Unknown,
        }
    }

    /// The key with this id, asking the authority if it is unknown.
    pub(super) async fn key(&self, id: &str) -> Result<Arc<Key>, NoPermit> {
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let _turn = self.asking.lock().await;
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let have_keys = self.has_keys();
        if have_keys && self.within(&self.searched, SEARCH_EVERY_SECONDS) {
            return Err(NoPermit::Invalid);
        }
        if self.within(&self.failed, RETRY_AFTER_SECONDS) || self.fetch_keys().await.is_err() {
            return Err(NoPermit::Unknowable);
        }
        self.searched.store(self.now().as_millis(), Ordering::Relaxed);
        self.known_key(id).ok_or(NoPermit::Invalid)
    }

    /// Asks for whatever is missing or too old to judge a permit.
    pub(super) async fn obtain(&self, permit: &Permit) {
        let _turn = self.asking.lock().await;
        if self.standing(permit) != TokenStatus::Unknown
            || self.within(&self.failed, RETRY_AFTER_SECONDS)
        {
            return;
        }
        if self.has_keys() || self.fetch_keys().await.is_ok() {
            let place = permit.status();
            let fresh = |list: &List| self.is_fresh(list.obtained, self.now());
            if !self.lists.load().get(&place.list).is_some_and(fresh) {
                let _ = self.fetch_list(place.list).await;
            }
        }
    }

    /// Asks for the keys and for every list that is in use.
    pub(crate) async fn refresh(&self) {
        let _turn = self.asking.lock().await;
        if self.fetch_keys().await.is_err() {
            return;
        }
        let known: Vec<u64> = self.lists.load().keys().copied().collect();
        for number in known {
            if self.fetch_list(number).await.is_err() {
                return;
            }
        }
    }

    /// Whether the keys are known and recent enough.
    pub(crate) fn has_keys(&self) -> bool {
        let keys = self.keys.load();
        keys.as_ref().is_some_and(|keys| self.is_fresh(keys.obtained, self.now()))
    }

    /// The key set's document.
    pub(crate) async fn key_document(&self) -> Option<Bytes> {
        if !self.has_keys() {
            let _turn = self.asking.lock().await;
            if !self.has_keys() && !self.within(&self.failed, RETRY_AFTER_SECONDS) {
                let _ = self.fetch_keys().await;
            }
        }
        let keys = self.keys.load();
        keys.as_ref().filter(|_| self.has_keys()).map(|keys| keys.document.clone())
    }

    /// The moment at which the keys were last confirmed.
    pub(crate) fn confirmed(&self) -> Option<Timestamp> {
        self.keys.load().as_ref().map(|keys| keys.obtained)
    }

    fn known_key(&self, id: &str) -> Option<Arc<Key>> {
        let keys = self.keys.load();
        let keys = keys.as_ref().filter(|keys| self.is_fresh(keys.obtained, self.now()))?;
        keys.find(id).cloned()
    }

    /// The moment that is kept is the one *before* the question: what changes while the answer
    /// travels is not in it.
    async fn fetch_keys(&self) -> Result<(), AuthorityAway> {
        let asked = self.now();
        let document = self.noting_failure(self.authority.keys().await)?;
        let read = KeySet::read(document, asked)
            .map_err(|error| AuthorityAway { reason: error.to_string() });
        self.keys.store(Some(Arc::new(self.noting_failure(read)?)));
        Ok(())
    }

    async fn fetch_list(&self, number: u64) -> Result<(), AuthorityAway> {
        let asked = self.now();
        let statuses = Arc::new(self.noting_failure(self.authority.status(number).await)?);
        self.lists.rcu(|lists| {
            let mut lists = HashMap::clone(lists);
            lists.insert(number, List { statuses: Arc::clone(&statuses), obtained: asked });
            lists
        });
        Ok(())
    }

    fn noting_failure<T>(&self, outcome: Result<T, AuthorityAway>) -> Result<T, AuthorityAway> {
        if let Err(error) = &outcome {
            self.failed.store(self.now().as_millis(), Ordering::Relaxed);
            tracing::warn!(%error, "mcp.authority.away");
        }
        outcome
    }

    fn is_fresh(&self, obtained: Timestamp, now: Timestamp) -> bool {
        now <= obtained.plus_seconds(self.max_age_seconds)
    }

    fn within(&self, moment: &AtomicI64, seconds: i64) -> bool {
        let moment = moment.load(Ordering::Relaxed);
        moment != NEVER && self.now() < Timestamp::from_millis(moment).plus_seconds(seconds)
    }
}
