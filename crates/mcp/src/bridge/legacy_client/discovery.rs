//! What the server behind says of itself, asked anew when that is too old.

use std::sync::Arc;

use kernel::Timestamp;
use serde_json::value::RawValue;

use super::asker::Asker;
use super::trouble::Trouble;
use crate::json::Members;
use crate::links::{LinkError, Outcome};

/// An answer to `server/discover`.
pub(super) struct Discovered {
    result: Box<RawValue>,
    until: Timestamp,
}

/// However short-lived the answer is, a client that opens many sessions asks no more often.
const LEAST_SECONDS: i64 = 5;
const MOST_SECONDS: i64 = 3_600;

impl Discovered {
    pub(super) fn capabilities(&self) -> Option<&RawValue> {
        self.member("capabilities")
    }

    pub(super) fn instructions(&self) -> Option<&RawValue> {
        self.member("instructions").filter(|text| text.get().starts_with('"'))
    }

    /// `serverInfo`, which a modern server sends with each result.
    pub(super) fn server_info(&self) -> Option<&RawValue> {
        Members::read(self.member("_meta")?.get()).ok()?.get("io.modelcontextprotocol/serverInfo")
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
pub(super) async fn discovered(asker: &Asker) -> Result<Arc<Discovered>, Trouble> {
    let clients = &asker.server.legacy_clients;
    let (owner, now) = (asker.server.owner(&asker.caller), asker.shared.trust.now());
    if let Some(known) = clients.discoveries.get(&owner)
        && now < known.until
    {
        return Ok(known);
    }
    let question = asker.question("server/discover", "{}", Vec::new());
    let answer = asker.ask(question).await?.answer().await?;
    let Outcome::Result(result) = answer.outcome()? else {
        return Err(LinkError::Garbled.into());
    };
    let members = Members::read(result.get()).map_err(|_| LinkError::Garbled)?;
    let seconds = members.get("ttlMs").and_then(|ttl| ttl.get().parse::<i64>().ok());
    let seconds = (seconds.unwrap_or(0) / 1000).clamp(LEAST_SECONDS, MOST_SECONDS);
    let until = now.plus_seconds(seconds);
    let discovered = Arc::new(Discovered { result: result.to_owned(), until });
    clients.discoveries.insert(owner, Arc::clone(&discovered));
    Ok(discovered)
}
