//! An authority under the test's control.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kernel::encoding::sha256;
use mcp::{Authority, AuthorityAway};
use protocol::audit::{Entry, Report};
use protocol::status_list::StatusList;
use tokio::sync::{Notify, Semaphore};

use super::token::SigningKey;

/// Keys and status lists that a test can change, and the wire that it can cut.
pub(crate) struct TestAuthority {
    keys: Mutex<Vec<SigningKey>>,
    lists: Mutex<HashMap<u64, StatusList>>,
    away: AtomicBool,
    /// Taken while nothing is answered.
    turn: Semaphore,
    changes: Notify,
    /// How often the keys were asked for.
    pub(crate) key_questions: AtomicUsize,
    signed: Mutex<HashSet<[u8; 32]>>,
    reports: Mutex<Vec<Entry>>,
    reported: Notify,
}

impl TestAuthority {
    pub(crate) fn new() -> Self {
        Self {
            keys: Mutex::new(vec![SigningKey::generate("key-1")]),
            lists: Mutex::new(HashMap::from([(0, StatusList::clear())])),
            away: AtomicBool::new(false),
            turn: Semaphore::new(1),
            changes: Notify::new(),
            key_questions: AtomicUsize::new(0),
            signed: Mutex::default(),
            reports: Mutex::default(),
            reported: Notify::new(),
        }
    }

    /// The key that signs now.
    pub(crate) fn key(&self) -> SigningKey {
        self.keys.lock().unwrap().last().unwrap().clone()
    }

    /// Replaces all keys by a new one, without telling anybody.
    pub(crate) fn rotate(&self, id: &str) -> SigningKey {
        let key = SigningKey::generate(id);
        *self.keys.lock().unwrap() = vec![key.clone()];
        key
    }

    /// Sets a grant's bit, without telling anybody.
    pub(crate) fn revoke(&self, bit: u32) {
        self.lists.lock().unwrap().get_mut(&0).unwrap().bits.revoke(bit);
    }

    /// Revokes one token alone, without telling anybody.
    pub(crate) fn revoke_token(&self, id: &str) {
        let mut lists = self.lists.lock().unwrap();
        lists.get_mut(&0).unwrap().revoked_tokens.insert(id.to_owned());
    }

    /// Cuts or mends the wire.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Answers no question about keys until released.
    pub(crate) fn hold(&self) {
        self.turn.try_acquire().unwrap().forget();
    }

    /// Answers again.
    pub(crate) fn release(&self) {
        self.turn.add_permits(1);
    }

    /// Says from now on that this process signed the token.
    pub(crate) fn has_signed_this(&self, token: &str) {
        self.signed.lock().unwrap().insert(sha256(token.as_bytes()));
    }

    /// Tells the sidecar that something changed.
    pub(crate) fn tell(&self) {
        self.changes.notify_one();
    }

    /// Waits until so many entries were reported, and returns all.
    pub(crate) async fn reported(&self, count: usize) -> Vec<Entry> {
        let enough = async {
            loop {
                let more = self.reported.notified();
                let entries = self.reports.lock().unwrap().clone();
                if entries.len() >= count {
                    return entries;
                }
                more.await;
            }
        };
        tokio::time::timeout(super::SOON, enough).await.expect("a report comes soon")
    }

    fn answer<T>(&self, value: Option<T>) -> Result<T, AuthorityAway> {
        let away = self.away.load(Ordering::SeqCst);
        let reason = "the wire is cut".to_owned();
        value.filter(|_| !away).ok_or(AuthorityAway { reason })
    }
}

impl Authority for TestAuthority {
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        self.key_questions.fetch_add(1, Ordering::SeqCst);
        let keys: Vec<_> = self.keys.lock().unwrap().iter().map(SigningKey::jwk).collect();
        let document = serde_json::json!({ "keys": keys }).to_string();
        async move {
            let _turn = self.turn.acquire().await.unwrap();
            self.answer(Some(Bytes::from(document)))
        }
        .boxed()
    }

    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        let document = Bytes::from_static(br#"{"issuer":"https://gate.example"}"#);
        async move { self.answer(Some(document)) }.boxed()
    }

    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
        let bits = self.lists.lock().unwrap().get(&list).cloned();
        async move { self.answer(bits) }.boxed()
    }

    fn has_signed(&self, digest: &[u8; 32]) -> bool {
        self.signed.lock().unwrap().contains(digest)
    }

    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
        async {
            self.answer(Some(()))?;
            self.reports.lock().unwrap().extend(report.entries.iter().cloned());
            self.reported.notify_one();
            Ok(())
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.changes.notified().boxed()
    }
}
