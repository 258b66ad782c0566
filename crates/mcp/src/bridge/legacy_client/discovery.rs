//! What the upstream says of itself, asked anew when that is too old.

use std::sync::Arc;

use kernel::Timestamp;
use protocol::mcp::{META_SERVER_INFO, member, method};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use upstream::Owner;
use upstream::connection::{ConnectionError, Outcome};
use upstream::wire::json::Members;

use super::asker::Asker;
use crate::bridge::without_session;
use crate::reply::failure::Failure;

/// An answer to `server/discover`.
pub(super) struct Discovered {
    result: Box<RawValue>,
    until: Timestamp,
}

/// The answers of one server, by who asked, and as many as there is room for their bytes.
pub(super) type Discoveries = Cache<Owner, Arc<Discovered>, ByBytes>;

/// Counts answers by their bytes: a server says as much of itself as it likes.
#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<Owner, Arc<Discovered>> for ByBytes {
    fn weight(&self, _: &Owner, discovered: &Arc<Discovered>) -> u64 {
        u64::try_from(discovered.result.get().len()).unwrap_or(u64::MAX).saturating_add(256)
    }
}

/// What the cache is laid out for; its bytes are what limits it.
const TYPICAL_ENTRIES: usize = 2_000;
const MAX_BYTES: u64 = 16 << 20;

/// Before anybody asked.
pub(super) fn none_yet() -> Discoveries {
    Cache::with_weighter(TYPICAL_ENTRIES, MAX_BYTES, ByBytes)
}

/// However short-lived the answer is, a client that opens many sessions asks no more often.
const LEAST_SECONDS: i64 = 5;
const MOST_SECONDS: i64 = 3_600;

impl Discovered {
    pub(super) fn capabilities(&self) -> Option<&RawValue> {
        self.member(member::CAPABILITIES)
    }

    pub(super) fn instructions(&self) -> Option<&RawValue> {
        self.member(member::INSTRUCTIONS).filter(|text| text.get().starts_with('"'))
    }

    /// `serverInfo`, which a modern server sends with each result.
    pub(super) fn server_info(&self) -> Option<&RawValue> {
        Members::read(self.member(member::META)?.get()).ok()?.get(META_SERVER_INFO)
    }

    /// Whether the server declared this, such as `resources.subscribe`.
    pub(super) fn offers(&self, capability: &str) -> bool {
        let mut value = self.capabilities();
        for name in capability.split('.') {
            value = value.and_then(|value| Members::read(value.get()).ok()?.get(name));
        }
        value.is_some_and(|value| !matches!(value.get(), "false" | "null"))
    }

    fn member(&self, name: &str) -> Option<&RawValue> {
        Members::read(self.result.get()).ok()?.get(name)
    }
}

/// What the server says of itself to this caller (D-50). It is kept as long as the server allows.
pub(super) async fn discovered(asker: &Asker) -> Result<Arc<Discovered>, Failure> {
    let clients = &asker.state.legacy_clients;
    let (owner, now) = (asker.server.upstream.owner(&asker.caller), asker.shared.trust.now());
    if let Some(known) = clients.discoveries.get(&owner)
        && now < known.until
    {
        return Ok(known);
    }
    let question = asker.question(method::SERVER_DISCOVER, "{}", Vec::new());
    let answer = asker.ask(question).await?.answer().await.map_err(without_session)?;
    let Outcome::Result(result) = answer.outcome()? else {
        return Err(ConnectionError::Garbled.into());
    };
    let members = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
    let seconds = members.get(member::TTL_MS).and_then(|ttl| ttl.get().parse::<i64>().ok());
    let seconds = (seconds.unwrap_or(0) / 1000).clamp(LEAST_SECONDS, MOST_SECONDS);
    let until = now.plus_seconds(seconds);
    let discovered = Arc::new(Discovered { result: result.to_owned(), until });
    clients.discoveries.insert(owner, Arc::clone(&discovered));
    Ok(discovered)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use upstream::shares::Whose;

    use super::*;

    /// N17: a server that says much of itself to many does not fill our memory.
    #[test]
    fn what_is_known_is_bounded_in_bytes() {
        let known = none_yet();
        let text = format!("{{\"instructions\":\"{}\"}}", "x".repeat(500_000));
        for person in 0..100 {
            let whose = Whose { principal: [person; 32], person: [person; 32] };
            let result = RawValue::from_string(text.clone()).unwrap();
            let until = Timestamp::from_millis(0);
            known.insert(Owner::Principal(whose), Arc::new(Discovered { result, until }));
        }
        assert!(!known.is_empty());
        let bytes: usize = known.iter().map(|(_, known)| known.result.get().len()).sum();
        assert!(bytes as u64 <= MAX_BYTES, "{bytes}");
    }
}
