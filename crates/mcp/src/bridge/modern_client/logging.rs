//! D-39: log levels, which a modern client chooses for each request, and a legacy server for a
//! whole session.

use std::sync::Arc;

use protocol::mcp::{LOG_LEVELS, capability, member, method};
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{ConnectionError, Outcome, ServerMessage};
use upstream::wire::json::{Members, Object, quoted};

use super::bridged_request::BridgedRequest;

/// A level of log messages (RFC 5424 §6.2.1), the most verbose first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(u8);

impl Level {
    /// Reads a level that is a JSON string.
    pub(super) fn read(json: &str) -> Option<Self> {
        let name: String = serde_json::from_str(json).ok()?;
        let rank = LOG_LEVELS.iter().position(|level| *level == name)?;
        u8::try_from(rank).ok().map(Self)
    }

    fn name(self) -> &'static str {
        LOG_LEVELS.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

/// Has the server send at least what this request wants. The session keeps the most verbose level
/// that anybody wanted, and each request gets its own share of that. A server that fails to set a
/// level sends what it likes; the call itself does not suffer.
pub(super) async fn set_level(asked: &BridgedRequest, peer: &Arc<LegacyPeer>) {
    let Some(Level(wanted)) = asked.level.filter(|_| peer.offers(capability::LOGGING)) else {
        return;
    };
    let mut set = peer.desk().level.lock().await;
    if set.is_some_and(|set| set <= wanted) {
        return;
    }
    let asking = ask(asked, peer, Level(wanted));
    let limit = asked.shared.limits.upstream.connect_timeout;
    if matches!(tokio::time::timeout(limit, asking).await, Ok(Ok(()))) {
        *set = Some(wanted);
    }
}

async fn ask(
    asked: &BridgedRequest,
    peer: &LegacyPeer,
    level: Level,
) -> Result<(), ConnectionError> {
    let mut params = Object::with_capacity(32);
    params.member(member::LEVEL, &quoted(level.name()));
    let (params, question) = (params.finish(), (peer.next_id(), method::LOGGING_SET_LEVEL));
    let responses = asked.cause.ask_peer(peer, &asked.caller, question, Some(&params)).await?;
    match responses.answer().await?.outcome()? {
        Outcome::Result(_) => Ok(()),
        Outcome::Error(_) => Err(ConnectionError::Garbled),
    }
}

/// C-91: whether a request that wants messages from `wanted` on gets this one.
pub(super) fn is_wanted(message: &ServerMessage, wanted: Option<Level>) -> bool {
    let params = message.params().and_then(|params| Members::read(params.get()).ok());
    let level = params.and_then(|params| Level::read(params.get(member::LEVEL)?.get()));
    matches!((level, wanted), (Some(level), Some(wanted)) if level >= wanted)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// C-91, D-39: only who asked, and only from their level on.
    #[test]
    fn d_39_messages_below_the_level_are_dropped() {
        let message = |level: &str| {
            let text = format!(
                r#"{{"method":"notifications/message","params":{{"level":"{level}","data":1}}}}"#
            );
            ServerMessage::read(Bytes::from(text)).unwrap()
        };
        let warning = Level::read("\"warning\"");
        assert!(is_wanted(&message("warning"), warning));
        assert!(is_wanted(&message("emergency"), warning));
        assert!(!is_wanted(&message("notice"), warning));
        assert!(!is_wanted(&message("loud"), warning));
        assert!(!is_wanted(&message("emergency"), None));
        for unknown in ["\"Warning\"", "\"\"", "3", "null"] {
            assert_eq!(Level::read(unknown), None, "{unknown}");
        }
    }
}
