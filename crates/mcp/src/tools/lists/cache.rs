//! Filtered results, ready to be sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use kernel::Timestamp;
use kernel::encoding::sha256;
use protocol::UserType;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use upstream::tally::Tally;

use crate::access::Reach;
use crate::policy::Hints;
use crate::tools::lists::by_tool::ByTool;
use crate::tools::lists::dropped::DroppedNames;

/// The kept lists of one server, and what its tools say of themselves.
pub(crate) struct Lists {
    keep_seconds: u32,
    /// Counted up when the server's tools change; older entries are void.
    epoch: AtomicU64,
    ready: Cache<Key, Entry, ByBytes>,
    hints: ByTool<Hints>,
    dropped: DroppedNames,
    /// The last whole list of a child that is the same for everybody.
    seen_by_all: ArcSwapOption<Box<RawValue>>,
    tally: Tally,
}

/// Everything that a filtered result depends on. For the revision and the cursor, which are as long
/// as a client likes, stand their digests.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    owner: Owner,
    held: u8,
    obtainable: u8,
    user_type: UserType,
    version: [u8; 32],
    cursor: Option<[u8; 32]>,
}

/// Who may see one kept result.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Everybody with the same permissions: the upstream said `cacheScope: public`.
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
        u64::try_from(entry.result.len()).unwrap_or(u64::MAX).saturating_add(BESIDE_RESULT)
    }
}

/// What an entry takes beside its result: the key, which has one size, and its place in the cache.
const BESIDE_RESULT: u64 = 256;
const _: () = assert!(size_of::<Key>() + size_of::<Entry>() <= 192);

/// What the cache is laid out for; its bytes are what limits it.
const TYPICAL_ENTRIES: usize = 1000;

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
            version: sha256(version.as_bytes()),
            cursor: cursor.map(|cursor| sha256(cursor.as_bytes())),
        }
    }

    /// Whether the list begins there.
    pub(crate) fn is_first_page(&self) -> bool {
        self.cursor.is_none()
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
            hints: ByTool::new(|_| size_of::<Hints>()),
            dropped: DroppedNames::default(),
            seen_by_all: ArcSwapOption::empty(),
            tally: Tally::default(),
        }
    }

    /// Tools that nobody sees and nobody may call.
    pub(crate) fn dropped(&self) -> &DroppedNames {
        &self.dropped
    }

    /// The last list, unfiltered, of a server to which all people are one. Of any other a list may be
    /// one person's own.
    pub(crate) fn seen_by_all(&self) -> Option<Arc<Box<RawValue>>> {
        self.seen_by_all.load_full()
    }

    /// Remembers it.
    pub(crate) fn see_for_all(&self, list: &RawValue) {
        let known = self.seen_by_all.load();
        if known.as_ref().is_none_or(|known| known.get() != list.get()) {
            self.seen_by_all.store(Some(Arc::new(list.to_owned())));
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
        entry.is_good(self.epoch(), now).then_some(entry.result)
    }

    /// Lets go of what is over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let epoch = self.epoch();
        self.ready.retain(|_, entry| entry.is_good(epoch, now));
    }

    /// Keeps a copy of a result, for as long as we are configured to and the upstream allows.
    /// The bytes that it is a part of may be far more than it: those of a whole list, of which this
    /// person sees nothing.
    pub(crate) fn keep(
        &self,
        key: Key,
        result: &[u8],
        asked: (u64, Timestamp),
        ttl_millis: Option<u64>,
    ) {
        let (epoch, now) = asked;
        let ours = i64::from(self.keep_seconds).saturating_mul(1000);
        let theirs = ttl_millis.map_or(i64::MAX, |ttl| i64::try_from(ttl).unwrap_or(i64::MAX));
        let until = Timestamp::from_millis(now.as_millis().saturating_add(ours.min(theirs)));
        if until > now {
            let result = Bytes::copy_from_slice(result);
            self.ready.insert(key, Entry { epoch, until, result });
        }
    }

    /// What the server last said of this tool.
    pub(crate) fn hints(&self, tool: &str) -> Option<Hints> {
        self.hints.get(tool)
    }

    /// Remembers what the server says of its tools.
    pub(crate) fn learn(&self, hints: Vec<(String, Hints)>) {
        self.hints.learn(hints.into_iter().map(|(tool, hints)| (tool.into_boxed_str(), hints)));
    }
}

impl Entry {
    fn is_good(&self, epoch: u64, now: Timestamp) -> bool {
        self.epoch == epoch && now < self.until
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
        lists.keep(mine.clone(), b"{}", (lists.epoch(), start), None);
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
        lists.keep(mine.clone(), b"", (lists.epoch(), start), Some(0));
        assert!(lists.ready(&mine, start).is_none());
        lists.keep(mine.clone(), b"", (lists.epoch(), start), Some(u64::MAX));
        assert!(lists.ready(&mine, start.plus_seconds(4)).is_some());
        assert!(lists.ready(&mine, start.plus_seconds(5)).is_none());
    }

    /// N17: however long the cursors are that a client makes up, and whatever the lists were cut
    /// from, what is kept takes what it weighs.
    #[test]
    fn kept_lists_take_what_they_weigh() {
        let (lists, start) = (Lists::new(5, 1 << 20), Timestamp::from_millis(1_000_000));
        let reach = Reach { held: Scopes::READ, obtainable: Scopes::ALL };
        let key = |cursor: &str| {
            let owner = Owner::Principal([1; 32]);
            Key::new(owner, reach, UserType::Basic, "2026-07-28", Some(cursor))
        };
        for page in 0..100_000 {
            lists.keep(key(&page.to_string()), b"{}", (lists.epoch(), start), None);
        }
        assert!(lists.ready.weight() <= 1 << 20, "{}", lists.ready.weight());
        assert!(lists.ready.len() <= 4096, "{}", lists.ready.len());
        let long = "x".repeat(1 << 20);
        lists.keep(key(&long), b"{}", (lists.epoch(), start), None);
        assert!(lists.ready(&key(&long), start).is_some());
        assert!(lists.ready(&key(&long[1..]), start).is_none());
    }

    #[test]
    fn what_is_over_leaves_with_the_sweep() {
        let (lists, start) = (Lists::new(5, 1 << 20), Timestamp::from_millis(1_000_000));
        let keep = |owner: u8, at| {
            let mine = key(Owner::Session([owner; 32]), Scopes::READ);
            lists.keep(mine, b"{}", (lists.epoch(), at), None);
        };
        keep(1, start);
        keep(2, start.plus_seconds(3));
        lists.sweep(start.plus_seconds(5));
        assert_eq!(lists.ready.len(), 1);
        lists.forget();
        lists.sweep(start.plus_seconds(5));
        assert_eq!(lists.ready.len(), 0);
    }
}
