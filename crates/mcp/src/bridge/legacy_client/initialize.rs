//! `initialize`, answered from what the upstream says of itself (D-50).

use http::StatusCode;
use kernel::encoding::base64url;
use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{SESSION_HEADER, member};
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object, quoted};

use super::asker::Asker;
use super::client_session::ClientSession;
use super::discovery::{Discovered, discovered};
use super::revision::Revision;
use super::{capabilities, local, shape};
use crate::bridge::Crossing;
use crate::bridge::legacy_client::UNREADABLE_PARAMS;
use crate::reply;
use crate::reply::Answer;
use crate::reply::failure::{Failure, Malformed};
use crate::request::session::{Facts, Held};

/// What a client says of itself.
struct Opening {
    revision: Revision,
    facts: Facts,
}

const NONCE_BYTES: usize = 16;
/// Of `clientInfo`, what tells people who it is. The whole could hold pictures, and must fit into
/// a header.
const CLIENT_INFO: [&str; 3] = [member::NAME, member::TITLE, member::VERSION];

/// Answers `initialize` and opens a session of our own.
pub(super) async fn answer(call: &Crossing<'_>, body: &[u8]) -> Answer {
    let opening = Opening::read(call, body).map_err(|trouble| call.refused(trouble))?;
    let Opening { revision, facts } = opening;
    // The session is sealed once the upstream has answered.
    let seat = ClientSession { facts: facts.clone(), revision, digest: [0; 32] };
    let server = discovered(&Asker::of(call, seat)).await;
    let server = server.map_err(|trouble| call.refused(trouble))?;
    let session = call.server.sessions.seal(call.permit, Held::Here(facts), revision.name());
    let session = session.ok_or_else(|| {
        call.refused(Failure::Message(Malformed::Params, "clientInfo is too long"))
    })?;
    let said = local::result(call.id, &result(call, &server, revision));
    let mut response = reply::json(StatusCode::OK, said.text);
    response.headers_mut().insert(SESSION_HEADER, session.sealed.clone());
    Ok(response)
}

impl Opening {
    fn read(call: &Crossing<'_>, body: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let params = Members::read(text).ok().and_then(|members| members.get(PARAMS));
        let params = Members::of(params).map_err(|_| UNREADABLE_PARAMS)?;
        let mut nonce = [0; NONCE_BYTES];
        call.shared.sealing.random.fill(&mut nonce);
        let facts = Facts {
            capabilities: capabilities::reduced(params.get(member::CAPABILITIES)),
            client_info: client_info(params.get(member::CLIENT_INFO)),
            home: call.shared.own_name(),
            nonce: base64url(&nonce),
        };
        let asked = params.text(member::PROTOCOL_VERSION).unwrap_or_default();
        Ok(Self { revision: Revision::agreed(&asked), facts })
    }
}

fn client_info(sent: Option<&RawValue>) -> String {
    let mut object = Object::with_capacity(128);
    if let Ok(sent) = Members::of(sent) {
        for name in CLIENT_INFO {
            if let Some(text) = sent.text(name) {
                object.member(name, &quoted(&text));
            }
        }
    }
    object.finish()
}

fn result(call: &Crossing<'_>, server: &Discovered, revision: Revision) -> String {
    let mut object = Object::with_capacity(512);
    object.member(member::PROTOCOL_VERSION, &quoted(revision.name()));
    object.member(member::CAPABILITIES, &capabilities::offered(server.capabilities(), revision));
    let info = server.server_info().and_then(|info| shape::info(revision, info));
    object.member(member::SERVER_INFO, &info.unwrap_or_else(|| nameless(&call.server.name)));
    if let Some(instructions) = server.instructions() {
        object.member(member::INSTRUCTIONS, instructions.get());
    }
    object.finish()
}

/// What a client hears of a server that does not say who it is.
fn nameless(server: &str) -> String {
    let mut info = Object::with_capacity(64);
    info.member(member::NAME, &quoted(server)).member(member::VERSION, &quoted(""));
    info.finish()
}
