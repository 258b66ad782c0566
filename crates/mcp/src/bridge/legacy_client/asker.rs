//! Who asks the upstream, and what a client asked.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use protocol::jsonrpc::Params;
use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{METHOD_HEADER, Mirrored, NAME_HEADER, encode_mirrored, member};
use serde_json::value::RawValue;
use upstream::connection::legacy::question;
use upstream::connection::{Caller, Question, ResponseStream};
use upstream::wire::json::{Members, NoObject};

use super::client_session::ClientSession;
use super::{capabilities, request};
use crate::access::Permit;
use crate::bridge::{Crossing, State, without_session};
use crate::outbound::Cause;
use crate::reply::failure::Failure;
use crate::request::{Endpoint, Shared};

/// A session that asks the upstream, for longer than one HTTP request lasts.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) shared: Arc<Shared>,
    pub(super) server: Arc<Endpoint>,
    pub(super) state: Arc<State>,
    pub(super) cause: Cause,
    pub(super) permit: Arc<Permit>,
    pub(super) caller: Caller,
    pub(super) seat: ClientSession,
    /// What is declared on the client's behalf.
    pub(super) declared: String,
}

/// One request of a client.
pub(super) struct Original {
    /// Its id as it was written.
    pub(super) id: Option<Box<str>>,
    pub(super) method: Box<str>,
    pub(super) params: Option<Box<RawValue>>,
    /// The tool, prompt or resource that `Mcp-Name` repeats.
    pub(super) name: Option<Box<str>>,
    /// The client's own `progressToken`.
    pub(super) progress_token: Option<Box<RawValue>>,
}

/// Headers that mirror a body.
pub(super) type Mirrors = Vec<(HeaderName, HeaderValue)>;

impl Asker {
    pub(super) fn of(call: &Crossing<'_>, seat: ClientSession) -> Self {
        Self {
            shared: Arc::clone(call.shared),
            server: Arc::clone(call.server),
            state: Arc::clone(call.state),
            cause: call.cause,
            permit: Arc::clone(call.permit),
            caller: call.caller(),
            declared: capabilities::declared(&seat.facts, seat.revision),
            seat,
        }
    }

    /// A question of our own. `params` is a JSON object.
    pub(super) fn question(&self, method: &str, params: &str, mirrors: Mirrors) -> Question {
        let id = self.server.upstream.next_id();
        let meta = request::Meta { asker: self, level: None, progress: None, old: None };
        let params = request::with_meta(params, &meta.to_json());
        let mut question = question(id, method, Some(&params));
        question.mirrors = mirrors_of(method, None);
        question.mirrors.extend(mirrors);
        question
    }

    /// The level that the client set for its session, as far as it is known here.
    pub(super) fn log_level(&self) -> Option<&'static str> {
        let now = self.shared.trust.now();
        self.state.legacy_clients.stand(&self.seat.digest, now)?.view().level
    }

    pub(super) async fn ask(&self, question: Question) -> Result<ResponseStream, Failure> {
        let asking = async {
            let connection = self.server.upstream.modern_connection(&self.caller).await?;
            self.cause.ask(&**connection, &self.caller, question).await
        };
        Ok(asking.await.map_err(without_session)?)
    }
}

impl Original {
    pub(super) fn read(
        id: Option<&str>,
        (method, known): (&str, &Params<'_>),
        body: &[u8],
    ) -> Result<Self, NoObject> {
        let text = std::str::from_utf8(body).map_err(|_| NoObject)?;
        let params = Members::read(text)?.get(PARAMS);
        let meta = Members::of(params)?.get(member::META);
        let progress_token = Members::of(meta)?.get(member::PROGRESS_TOKEN);
        let name = match Mirrored::by(method) {
            Some(Mirrored::Name) => known.name.as_deref(),
            Some(Mirrored::Uri) => known.uri.as_deref(),
            // D-61: tasks are not bridged.
            Some(Mirrored::Task) | None => None,
        };
        Ok(Self {
            id: id.map(Into::into),
            method: method.into(),
            params: params.map(RawValue::to_owned),
            name: name.map(Into::into),
            progress_token: progress_token.map(RawValue::to_owned),
        })
    }

    /// The client's id as it was written.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// The headers that repeat method and name (D-51, C-11).
pub(super) fn mirrors_of(method: &str, name: Option<&str>) -> Mirrors {
    let mut mirrors = Vec::with_capacity(2);
    let header = |name, value: &str| {
        // What was encoded always fits; a method that does not is none of those that are asked.
        let value = HeaderValue::from_str(&encode_mirrored(value)).ok()?;
        Some((HeaderName::from_static(name), value))
    };
    mirrors.extend(header(METHOD_HEADER, method));
    mirrors.extend(name.and_then(|name| header(NAME_HEADER, name)));
    mirrors
}
