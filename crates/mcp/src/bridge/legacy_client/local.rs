//! What is answered without the upstream (D-56).

use bytes::Bytes;
use protocol::jsonrpc::member::{PARAMS, RESULT};
use protocol::jsonrpc::response;
use protocol::mcp::{LOG_LEVELS, member};
use upstream::wire::json::Members;

use super::at_once;
use super::client_session::ClientSession;
use super::status;
use super::subscribe::at_home_too;
use super::visits;
use crate::bridge::Crossing;
use crate::passthrough::front::{ClientMessage, Reply};
use crate::reply::Refused;
use crate::reply::failure::{Failure, Limit, Malformed};

/// The level of this name.
pub(super) fn level(name: &str) -> Option<&'static str> {
    LOG_LEVELS.into_iter().find(|known| *known == name)
}

/// The answer around a result that is JSON.
pub(super) fn result(id: Option<&str>, result: &str) -> ClientMessage {
    ClientMessage::answer(response(id.unwrap_or("null"), RESULT, result), status::ANSWER)
}

/// `logging/setLevel`: a modern server is told the level with each request (D-56). It is
/// remembered here, at the session's home and wherever else requests of the session run.
pub(super) async fn set_level(
    call: &Crossing<'_>,
    seat: &ClientSession,
    body: Bytes,
) -> Result<Reply, Refused> {
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let params = Members::read(text).ok().and_then(|members| members.get(PARAMS));
    let level = Members::of(params).ok().and_then(|params| params.text(member::LEVEL));
    let Some(level) = level.and_then(|level| self::level(&level)) else {
        let message = "params.level must be one of the eight levels of syslog";
        let failure = Failure::Message(Malformed::Params, message);
        return Ok(at_once(ClientMessage::failure(failure, call.id)));
    };
    let (clients, now) = (&call.state.legacy_clients, call.shared.trust.now());
    let Some(stand) = clients.stand_of(seat, call.permit.whose(), now) else {
        return Ok(at_once(ClientMessage::failure(Limit::Requests.into(), call.id)));
    };
    stand.set_level(level);
    at_home_too(call, seat, body.clone()).await;
    visits::tell_visitors(call, seat, body).await;
    Ok(at_once(result(call.id, "{}")))
}
