//! One request of a modern client, taken apart as far as the bridge needs it.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use protocol::jsonrpc::member::PARAMS;
use protocol::jsonrpc::{Params, error_response};
use protocol::mcp::{
    META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, MODERN_REVISION,
    UNSUPPORTED_VERSION, member, method,
};
use serde_json::value::RawValue;
use upstream::connection::legacy::{Declared, LegacyPeer};
use upstream::connection::{Caller, ConnectionError};
use upstream::wire::json::Members;

use super::declared::{self, Able};
use super::logging::Level;
use crate::access::Permit;
use crate::bridge::{Crossing, State};
use crate::outbound::Cause;
use crate::reply;
use crate::reply::Refused;
use crate::reply::failure::{Failure, Malformed};
use crate::request::{Endpoint, Shared};

/// A request and everything that it says of its client.
pub(super) struct BridgedRequest {
    pub(super) shared: Arc<Shared>,
    pub(super) server: Arc<Endpoint>,
    pub(super) state: Arc<State>,
    /// Why everything is sent for it: the judged message.
    pub(super) cause: Cause,
    pub(super) permit: Arc<Permit>,
    pub(super) caller: Caller,
    /// The client's id as it was written.
    pub(super) id: Box<str>,
    pub(super) method: Box<str>,
    /// The whole message.
    pub(super) body: Bytes,
    /// What the client can be asked.
    pub(super) able: Able,
    /// The client's own `progressToken` as it was written.
    pub(super) progress: Option<Box<str>>,
    /// From which level on it wants log messages.
    pub(super) level: Option<Level>,
    declared: Declared,
}

impl BridgedRequest {
    /// Reads a request that was judged before.
    pub(super) fn read(
        call: &Crossing<'_>,
        method: &str,
        params: &Params<'_>,
        body: Bytes,
    ) -> Result<Self, Refused> {
        check_version(call, params)?;
        let refuse = |message| call.refused(Failure::Message(Malformed::Meta, message));
        let text = text(&body);
        let params = member(text, PARAMS);
        let meta = params.and_then(|params| member(params, member::META)).unwrap_or("{}");
        let meta = Members::read(meta).map_err(|_| refuse("params._meta must be an object"))?;
        // C-30: capabilities are required, though they may be empty.
        let capabilities =
            meta.get(META_CLIENT_CAPABILITIES).and_then(|value| Able::read(value.get()));
        let able = capabilities.ok_or_else(|| {
            refuse("params._meta must hold io.modelcontextprotocol/clientCapabilities, an object")
        })?;
        let level = match meta.get(META_LOG_LEVEL).map(|value| Level::read(value.get())) {
            None => None,
            Some(Some(level)) => Some(level),
            Some(None) => {
                let message = "io.modelcontextprotocol/logLevel is not a log level";
                return Err(call.refused(Failure::Message(Malformed::Params, message)));
            }
        };
        let declared = declared::declared(able, meta.get(META_CLIENT_INFO).map(RawValue::get));
        let progress = meta.get(member::PROGRESS_TOKEN).map(|token| token.get().into());
        Ok(Self {
            shared: Arc::clone(call.shared),
            server: Arc::clone(call.server),
            state: Arc::clone(call.state),
            cause: call.cause,
            permit: Arc::clone(call.permit),
            caller: call.caller(),
            id: call.id.unwrap_or("null").into(),
            method: method.into(),
            able,
            progress,
            level,
            declared,
            body,
        })
    }

    /// The session in which this request is asked.
    pub(super) async fn peer(&self) -> Result<Arc<LegacyPeer>, ConnectionError> {
        let Self { server, caller, declared, .. } = self;
        let opened = server.upstream.legacy_peer(caller, declared, None).await;
        // A server that does not even shake hands may have been replaced by a modern one.
        opened.inspect_err(|error| {
            if matches!(
                error,
                ConnectionError::Garbled | ConnectionError::Unclaimed | ConnectionError::Refused(_)
            ) {
                server.upstream.eras.doubt();
            }
        })
    }

    /// The parameters as they were written.
    pub(super) fn params(&self) -> Option<&str> {
        member(text(&self.body), PARAMS)
    }

    /// A member of the parameters, as it was written.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        member(self.params()?, name)
    }

    /// The `requestState` of a retry (C-81).
    pub(super) fn state(&self) -> Option<String> {
        // One that is no text is none of ours, and is refused as such.
        self.param(member::REQUEST_STATE)
            .map(|state| serde_json::from_str(state).unwrap_or_default())
    }

    /// C-80: only these three can be answered with a question.
    pub(super) fn may_be_asked(&self) -> bool {
        matches!(&*self.method, method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ)
    }
}

/// C-41: a later revision than ours cannot be bridged.
fn check_version(call: &Crossing<'_>, params: &Params<'_>) -> Result<(), Refused> {
    let requested = params.protocol_version.as_deref().unwrap_or_default();
    if requested == MODERN_REVISION {
        return Ok(());
    }
    let data =
        serde_json::json!({ member::SUPPORTED: [MODERN_REVISION], member::REQUESTED: requested });
    let message = "this protocol revision is not served here";
    let text = error_response(call.id, UNSUPPORTED_VERSION, message, Some(&data));
    Err(reply::json(StatusCode::BAD_REQUEST, text.into()).into())
}

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap_or_default()
}

fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    Members::read(object).ok()?.get(name).map(RawValue::get)
}
