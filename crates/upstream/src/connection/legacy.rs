//! A legacy upstream with which the sidecar itself holds a session.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::encoding::sha256;
use protocol::jsonrpc;
use protocol::mcp::{INITIALIZED, member, method};
use serde_json::value::RawValue;

use super::session_state::SessionState;
use super::{Caller, Connection, ConnectionError, Outcome, Question, ResponseStream};
use crate::wire::handshake::tidy_result;
use crate::wire::json::{Members, Object, quoted};

/// What is declared to a legacy server on a client's behalf. Sessions that differ in it are never
/// shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Declared {
    /// The revision that is offered.
    pub version: String,
    /// `ClientCapabilities` in the words of the 2025 revisions, as JSON.
    pub capabilities: String,
    /// `clientInfo`, as JSON.
    pub client_info: String,
}

impl Declared {
    /// What tells one from another.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let Self { version, capabilities, client_info } = self;
        sha256(serde_json::json!([version, capabilities, client_info]).to_string().as_bytes())
    }

    /// The parameters of `initialize`.
    fn params(&self) -> String {
        let Self { version, capabilities, client_info } = self;
        let mut params = Object::with_capacity(capabilities.len() + client_info.len() + 64);
        params.member(member::PROTOCOL_VERSION, &quoted(version));
        params.member(member::CAPABILITIES, capabilities);
        params.member(member::CLIENT_INFO, client_info);
        params.finish()
    }
}

/// What a server may say of itself; it is kept for as long as its session is.
const LARGEST_RESULT: usize = 1 << 20;

/// An open session with a legacy server.
pub struct LegacyPeer {
    connection: Box<dyn Connection>,
    /// Who opened it, for its end.
    opener: Caller,
    version: String,
    opened: Box<RawValue>,
    last_id: AtomicU64,
    desk: SessionState,
}

impl LegacyPeer {
    /// Goes through the handshake (D-01, D-30).
    pub async fn open(
        connection: Box<dyn Connection>,
        caller: &Caller,
        declared: &Declared,
    ) -> Result<Self, ConnectionError> {
        let question = question(0, method::INITIALIZE, Some(&declared.params()));
        let answer = connection.ask(caller, question).await?.answer().await?;
        let Outcome::Result(result) = answer.outcome()? else {
            return Err(ConnectionError::Garbled);
        };
        if result.get().len() > LARGEST_RESULT {
            tracing::warn!(bytes = result.get().len(), "mcp.initialize.too_large");
            return Err(ConnectionError::Garbled);
        }
        let members = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
        let version = members.text(member::PROTOCOL_VERSION).ok_or(ConnectionError::Garbled)?;
        connection.agreed(&version);
        let opened = tidy_result(result.get()).map_err(|_| ConnectionError::Garbled)?.into_owned();
        let opened = RawValue::from_string(opened).map_err(|_| ConnectionError::Garbled)?;
        connection.tell(caller, jsonrpc::notification(INITIALIZED, None)).await?;
        Ok(Self {
            connection,
            opener: caller.clone(),
            version,
            opened,
            last_id: AtomicU64::new(0),
            desk: SessionState::default(),
        })
    }

    /// The revision agreed on.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The `InitializeResult` as it came.
    pub fn opened(&self) -> &RawValue {
        &self.opened
    }

    /// Whether the server declared this capability, such as `resources` or `resources.subscribe`.
    pub fn offers(&self, capability: &str) -> bool {
        let mut value =
            Members::read(self.opened.get()).ok().and_then(|m| m.get(member::CAPABILITIES));
        for name in capability.split('.') {
            value = value.and_then(|value| Members::read(value.get()).ok()?.get(name));
        }
        value.is_some_and(|value| !matches!(value.get(), "false" | "null"))
    }

    /// An id that no other request of this session has.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Asks under an id from [`LegacyPeer::next_id`]. `params` is JSON; a `progressToken` in it
    /// must be that same id.
    pub async fn ask(
        &self,
        caller: &Caller,
        id: u64,
        method: &str,
        params: Option<&str>,
    ) -> Result<ResponseStream, ConnectionError> {
        self.connection.ask(caller, question(id, method, params)).await
    }

    /// Sends a notification.
    pub async fn notify(
        &self,
        caller: &Caller,
        method: &str,
        params: Option<&str>,
    ) -> Result<(), ConnectionError> {
        self.connection.tell(caller, jsonrpc::notification(method, params)).await
    }

    /// Answers a question of the server's. `outcome` is `result` or `error`, `value` its JSON.
    pub async fn answer(
        &self,
        caller: &Caller,
        id: &RawValue,
        outcome: &str,
        value: &str,
    ) -> Result<(), ConnectionError> {
        self.connection.tell(caller, jsonrpc::response(id.get(), outcome, value)).await
    }

    /// What goes on in this session.
    pub fn desk(&self) -> &SessionState {
        &self.desk
    }

    /// The connection below.
    pub fn connection(&self) -> &dyn Connection {
        &*self.connection
    }

    /// Ends the session, unless that is so already.
    pub fn close(&self) {
        self.connection.close(&self.opener);
    }

    /// Whether it can still be used.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }
}

/// Nobody keeps it any more, so the server need not either.
impl Drop for LegacyPeer {
    fn drop(&mut self) {
        self.close();
    }
}

/// A request as a message.
pub fn question(id: u64, method: &str, params: Option<&str>) -> Question {
    let text = jsonrpc::request(id, method, params);
    Question { id, method: method.into(), text, mirrors: Vec::new() }
}
