//! `initialize`: the upstream hears what the client declares, and the client what the server
//! answers. The session between client and sidecar is the sidecar's own.

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use kernel::encoding::{base64url, sha256};
use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{LAST_LEGACY_REVISION, LEGACY_REVISIONS, SESSION_HEADER, member};
use upstream::connection::ConnectionError;
use upstream::connection::legacy::Declared;
use upstream::wire::json::{Members, NoObject, Object, quoted};
use upstream::{Transport, own_declaration};

use super::sessions::Relayed;
use crate::bridge::Crossing;
use crate::passthrough::lists;
use crate::reply;
use crate::reply::failure::{Failure, Malformed};
use crate::reply::{Answer, Refused};
use crate::request::session::{Facts, Held};

/// Answers `initialize`.
pub(super) async fn initialize(call: &Crossing<'_>, body: &Bytes) -> Answer {
    let offered = declared(body).map_err(|NoObject| unreadable(call))?;
    // One child for all cannot be told of each client's abilities; it is told of none, so that it
    // asks nobody anything.
    let shared = shared_by_everyone(call);
    let declared = if shared { own_declaration() } else { offered.clone() };
    let mut nonce = [0; 16];
    call.shared.sealing.random.fill(&mut nonce);
    let caller = call.caller();
    let own = (!shared).then(|| sha256(&nonce));
    let opening = call.server.upstream.legacy_peer(&caller, &declared, own);
    let opened =
        tokio::time::timeout(call.shared.limits.upstream.first_byte_timeout, opening).await;
    let peer =
        opened.unwrap_or(Err(ConnectionError::Timeout)).map_err(|error| call.failed(error))?;

    let (version, result) = agreed(peer.version(), peer.opened().get(), shared.then_some(&offered));
    let held = Held::Here(facts(call, &nonce));
    let session = call.server.sessions.seal(call.permit, held, &version);
    let session = session.ok_or_else(|| call.failed(ConnectionError::Garbled))?;
    let relayed =
        Relayed::new(&session, call.permit.whose(), peer, &call.server.upstream.transport);
    let kept = call.state.relays.keep(relayed, call.shared.trust.now());
    kept.map_err(|error| call.failed(error))?;

    let text = lists::answer::message(call.id, result.as_bytes());
    let mut response = reply::json(StatusCode::OK, text.into());
    let name = HeaderName::from_static(SESSION_HEADER);
    response.headers_mut().insert(name, session.sealed.clone());
    Ok(response)
}

fn shared_by_everyone(call: &Crossing<'_>) -> bool {
    matches!(&call.server.upstream.transport, Transport::Stdio(child) if child.shared_by_everyone)
}

/// What the client says of itself, in its own words.
fn declared(body: &[u8]) -> Result<Declared, NoObject> {
    let message = Members::read(std::str::from_utf8(body).map_err(|_| NoObject)?)?;
    let params = Members::of(message.get(PARAMS))?;
    let object = |name: &str| {
        let Some(value) = params.get(name) else { return Ok("{}".to_owned()) };
        Members::read(value.get()).map(|_| value.get().to_owned())
    };
    Ok(Declared {
        version: params.text(member::PROTOCOL_VERSION).ok_or(NoObject)?,
        capabilities: object(member::CAPABILITIES)?,
        client_info: object(member::CLIENT_INFO)?,
    })
}

/// The revision and the result that the client hears: the server's own. A shared child agreed on
/// one with us, and a client that offered an older one gets that (revisions are dates, and each
/// client of an older one is served by a newer server).
fn agreed(version: &str, result: &str, offered: Option<&Declared>) -> (String, String) {
    let newer = version.min(LAST_LEGACY_REVISION);
    let older = offered.map(|offered| offered.version.as_str());
    let older = older.filter(|older| LEGACY_REVISIONS.contains(older) && *older < newer);
    let (Some(older), Ok(members)) = (older, Members::read(result)) else {
        return (version.to_owned(), result.to_owned());
    };
    let mut spliced = Object::with_capacity(result.len());
    spliced.member(member::PROTOCOL_VERSION, &quoted(older));
    spliced.members(&members, |name| name != member::PROTOCOL_VERSION);
    (older.to_owned(), spliced.finish())
}

/// All else is held at home and does not travel.
fn facts(call: &Crossing<'_>, nonce: &[u8]) -> Facts {
    Facts {
        capabilities: "{}".to_owned(),
        client_info: "{}".to_owned(),
        home: call.shared.own_name(),
        nonce: base64url(nonce),
    }
}

fn unreadable(call: &Crossing<'_>) -> Refused {
    let message = "initialize needs params: protocolVersion, capabilities and clientInfo";
    call.refused(Failure::Message(Malformed::Params, message))
}
