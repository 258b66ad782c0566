//! Asks an upstream which generations of MCP it speaks (D-24).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use protocol::mcp::method::SERVER_DISCOVER;
use protocol::mcp::{
    LAST_LEGACY_REVISION, META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_PROTOCOL_VERSION,
    METHOD_HEADER, MODERN_REVISION, member,
};

use super::Upstream;
use super::eras::Speaks;
use crate::Transport;
use crate::connection::legacy::{Declared, question};
use crate::connection::{Caller, ConnectionError, Outcome};
use crate::wire::json::{Members, Object, quoted};

/// How long a child may think about the first question.
const CHILD_SILENCE: Duration = Duration::from_secs(5);
/// How long a server reached over HTTP may, which may just be starting.
const SILENCE: Duration = Duration::from_secs(10);

impl Upstream {
    /// `server/discover` first: some legacy servers carry out whatever else they are asked.
    pub(super) async fn ask_eras(
        self: &Arc<Self>,
        caller: &Caller,
    ) -> Result<Speaks, ConnectionError> {
        let known = self.eras.undoubted();
        let knew_modern = known.is_some_and(|known| known.modern);
        let knew_legacy = known.is_some_and(|known| known.legacy);
        let modern = self.discovers(caller, knew_modern).await?;
        // One child or stream speaks one of them; the modern one loses less.
        if modern && self.transport != Transport::Http {
            return Ok(Speaks { modern, legacy: false });
        }
        let legacy = match self.legacy_peer(caller, &own_declaration(), None).await {
            Ok(peer) => {
                peer.close();
                true
            }
            Err(error) if knew_legacy && is_trouble(error) => return Err(error),
            Err(error) if is_answer(error) => false,
            Err(error) if !modern => return Err(error),
            Err(_) => false,
        };
        if modern || legacy { Ok(Speaks { modern, legacy }) } else { Err(ConnectionError::Garbled) }
    }

    async fn discovers(
        self: &Arc<Self>,
        caller: &Caller,
        knew_modern: bool,
    ) -> Result<bool, ConnectionError> {
        if self.transport == Transport::HttpSse {
            return Ok(false);
        }
        let connection = self.modern_connection(caller).await?;
        let mut question = question(self.next_id(), SERVER_DISCOVER, Some(&about_us()));
        question.mirrors.push((
            HeaderName::from_static(METHOD_HEADER),
            HeaderValue::from_static(SERVER_DISCOVER),
        ));
        let asked = async { connection.ask(caller, question).await?.answer().await };
        let silence = match self.transport {
            Transport::Http | Transport::HttpSse => SILENCE,
            Transport::Stdio(_) => CHILD_SILENCE,
        };
        let answered = match tokio::time::timeout(silence, asked).await {
            Err(_) if knew_modern => Err(ConnectionError::Timeout),
            // Some legacy servers answer nothing that comes before `initialize`.
            Err(_) => Err(ConnectionError::Garbled),
            // Some legacy children end.
            Ok(Err(ConnectionError::Broken))
                if matches!(self.transport, Transport::Stdio(_)) && !knew_modern =>
            {
                Err(ConnectionError::Garbled)
            }
            Ok(answered) => answered,
        };
        let modern = match answered {
            Ok(answer) => {
                matches!(answer.outcome()?, Outcome::Result(result) if names_modern(result.get()))
            }
            Err(error) if knew_modern && is_trouble(error) => return Err(error),
            Err(error) if is_answer(error) => false,
            Err(error) => return Err(error),
        };
        if !modern && self.transport != Transport::Http {
            // What it was asked may have confused it, so `initialize` goes to another.
            connection.close(caller);
        }
        Ok(modern)
    }
}

/// Whether the server did say something, which was no agreement.
fn is_answer(error: ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::Garbled
            | ConnectionError::Unclaimed
            | ConnectionError::Refused(_)
            | ConnectionError::SessionGone
    )
}

/// Whether this says how the server is, not what it speaks. What is known is not unlearned by that;
/// of a server that was never heard of it is all there is to go by.
fn is_trouble(error: ConnectionError) -> bool {
    match error {
        ConnectionError::Refused(status) => {
            status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
        }
        ConnectionError::Garbled | ConnectionError::Unclaimed | ConnectionError::SessionGone => {
            false
        }
        ConnectionError::Away
        | ConnectionError::Broken
        | ConnectionError::Timeout
        | ConnectionError::Compressed(_)
        | ConnectionError::Elsewhere
        | ConnectionError::Full => true,
    }
}

fn names_modern(result: &str) -> bool {
    let versions =
        Members::read(result).ok().and_then(|members| members.get(member::SUPPORTED_VERSIONS));
    let versions: Option<Vec<String>> =
        versions.and_then(|versions| serde_json::from_str(versions.get()).ok());
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN_REVISION))
}

/// The parameters of a modern request that the gateway sends for itself.
fn about_us() -> String {
    let mut params = Object::with_capacity(256);
    params.member(member::META, &own_meta());
    params.finish()
}

/// The `_meta` of such a request, which declares no capabilities (MCP 2026-07-28, "Per-request
/// metadata").
pub fn own_meta() -> String {
    let mut meta = Object::with_capacity(256);
    meta.member(META_PROTOCOL_VERSION, &quoted(MODERN_REVISION));
    meta.member(META_CLIENT_CAPABILITIES, "{}").member(META_CLIENT_INFO, &own_name());
    meta.finish()
}

/// Which client the gateway says that it is.
fn own_name() -> String {
    let mut name = Object::with_capacity(48);
    name.member(member::NAME, &quoted("wicketgate")).member(member::VERSION, &quoted("1"));
    name.finish()
}

/// What the gateway declares where it asks for itself.
pub fn own_declaration() -> Declared {
    Declared {
        version: LAST_LEGACY_REVISION.to_owned(),
        capabilities: "{}".to_owned(),
        client_info: own_name(),
    }
}
