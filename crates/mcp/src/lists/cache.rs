//! Filtered results, ready to be sent again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use kernel::Timestamp;
use protocol::UserType;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::observe::Tally;
use crate::policy::{Hints, Reach};

/// The kept lists of one server, and what its tools say of themselves.
pub(crate) struct Lists {
    keep_seconds: u32,
    /// Counted up when the server's tools change; older entries are void.
    epoch: AtomicU64,
    ready: Cache<Key, Entry, ByBytes>,
    hints: ArcSwap<HashMap<String, Hints>>,
    tally: Tally,
}

/// Everything that a filtered result depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) owner: Owner,
    pub(crate) held: u8,
    pub(crate) obtainable: u8,
    pub(crate) user_type: UserType,
    pub(crate) version: Box<str>,
    pub(crate) cursor: Option<Box<str>>,
}

/// Who may see one kept result.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Everybody with the same permissions: the server behind said `cacheScope: public`.
    Everybody,
    /// One person through one client.
    Principal([u8; 32]),
    /// One session.
    Session([u8; 32]),
}

#[derive(Clone)]
struct Entry {
    epoch: u64,
    until: Timestamp,
    result: Bytes,
}

/// Counts entries by their bytes, since one list may be a thousand times another.
#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Entry> for ByBytes {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        u64::try_from(entry.result.len()).unwrap_or(u64::MAX).saturating_add(256)
    }
}

/// What the cache is laid out for; its bytes are what limits it.
const TYPICAL_ENTRIES: usize = 1000;
/// How many tools' hints are remembered.
const MAX_HINTS: usize = 10_000;

impl Key {
    pub(crate) fn new(
        owner: Owner,
        reach: Reach,
        user_type: UserType,
        version: &str,
        cursor: Option<&str>,
    ) -> Self {
        Self {
            owner,
            held: reach.held.bits(),
            obtainable: reach.obtainable.bits(),
            user_type,
            version: version.into(),
            cursor: cursor.map(Into::into),
        }
    }

    /// The same for everybody.
    pub(crate) fn shared(self) -> Self {
        Self { owner: Owner::Everybody, ..self }
    }
}

impl Lists {
    pub(crate) fn new(keep_seconds: u32, cached_bytes: u64) -> Self {
        Self {
            keep_seconds,
            epoch: AtomicU64::new(0),
            ready: Cache::with_weighter(TYPICAL_ENTRIES, cached_bytes, ByBytes),
            hints: ArcSwap::default(),
            tally: Tally::default(),
        }
    }

    /// How many lists were ready.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The moment before a list is asked for, to be given to [`Lists::keep`].
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Makes everything kept void.
    pub(crate) fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// A result that is still good.
    pub(crate) fn ready(&self, key: &Key, now: Timestamp) -> Option<Bytes> {
        let entry = self.ready.get(key)?;
        (entry.epoch == self.epoch() && now < entry.until).then_some(entry.result)
    }

    /// Keeps a result, for as long as we are configured to and the server behind allows.
    pub(crate) fn keep(
        &self,
        key: Key,
        result: Bytes,
        asked: (u64, Timestamp),
        ttl_millis: Option<u64>,
    ) {
        let (epoch, now) = asked;
        let ours = i64::from(self.keep_seconds).saturating_mul(1000);
        let theirs = ttl_millis.map_or(i64::MAX, |ttl| i64::try_from(ttl).unwrap_or(i64::MAX));
        let until = Timestamp::from_millis(now.as_millis().saturating_add(ours.min(theirs)));
        if until > now {
            self.ready.insert(key, Entry { epoch, until, result });
        }
    }

    /// What the server last said of this tool.
    pub(crate) fn hints(&self, tool: &str) -> Option<Hints> {
        self.hints.load().get(tool).copied()
    }

    /// Remembers what the server says of its tools.
    pub(crate) fn learn(&self, hints: Vec<(String, Hints)>) {
        let known = self.hints.load();
        if hints.iter().all(|(tool, hints)| known.get(tool) == Some(hints)) {
            return;
        }
        let mut merged = HashMap::clone(&known);
        if merged.len() + hints.len() > MAX_HINTS {
            merged.clear();
        }
        merged.extend(hints);
        self.hints.store(Arc::new(merged));
    }
}

#[cfg(test)]
mod tests {
    use protocol::Scopes;

    use super::*;

    fn key(owner: Owner, held: Scopes) -> Key {
        let reach = Reach { held, obtainable: Scopes::ALL };
        Key::new(owner, reach, UserType::Basic, "2026-07-28", None)
    }

    /// T-MCP-44: what one permission set saw is not what another gets.
    #[test]
    fn t_mcp_44_entries_are_for_one_permission_set_and_time() {
        let (lists, start) = (Lists::new(5, 1 << 20), Timestamp::from_millis(1_000_000));
        let mine = key(Owner::Principal([1; 32]), Scopes::READ);
        lists.keep(mine.clone(), Bytes::from_static(b"{}"), (lists.epoch(), start), None);
        assert!(lists.ready(&mine, start).is_some());
        assert!(lists.ready(&key(Owner::Principal([2; 32]), Scopes::READ), start).is_none());
        assert!(lists.ready(&key(Owner::Principal([1; 32]), Scopes::ALL), start).is_none());
        assert!(lists.ready(&mine, start.plus_seconds(5)).is_none());
        lists.forget();
        assert!(lists.ready(&mine, start).is_none());
    }

    #[test]
    fn the_server_may_shorten_but_not_lengthen() {
        let (lists, start) = (Lists::new(5, 1 << 20), Timestamp::from_millis(1_000_000));
        let mine = key(Owner::Principal([1; 32]), Scopes::READ);
        lists.keep(mine.clone(), Bytes::new(), (lists.epoch(), start), Some(0));
        assert!(lists.ready(&mine, start).is_none());
        lists.keep(mine.clone(), Bytes::new(), (lists.epoch(), start), Some(u64::MAX));
        assert!(lists.ready(&mine, start.plus_seconds(4)).is_some());
        assert!(lists.ready(&mine, start.plus_seconds(5)).is_none());
    }
}
