//! What a client says that has no answer: notifications, and answers to the server's questions.

use http::{Response, StatusCode};
use protocol::jsonrpc::member::{ERROR, ID, PARAMS, RESULT};
use protocol::mcp::{CANCELLED, INITIALIZED, member};
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

use super::sessions::Relayed;
use crate::bridge::Crossing;
use crate::reply;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::reply::failure::{Failure, Malformed};

/// Passes a notification on, in the server's ids.
pub(super) async fn notification(
    call: &Crossing<'_>,
    relayed: &Relayed,
    method: &str,
    body: &[u8],
) -> Answer {
    let message = members(call, body)?;
    let params = message.get(PARAMS);
    let params = match method {
        // The server heard it from us, when the session was opened.
        INITIALIZED => return Ok(accepted()),
        CANCELLED => match params.and_then(|params| cancelled(relayed, params)) {
            Some(params) => Some(params),
            // What does not run any more cannot be cancelled.
            None => return Ok(accepted()),
        },
        // Everybody's server is not told of one client's affairs.
        _ if relayed.shared_by_everyone => return Ok(accepted()),
        _ => params.map(|params| params.get().to_owned()),
    };
    let told = call.cause.notify(&relayed.peer, &call.caller(), method, params.as_deref()).await;
    told.map_err(|error| call.failed(error))?;
    Ok(accepted())
}

/// Passes an answer on to the server that asked, once. Answers to what was not asked go nowhere.
pub(super) async fn answer(call: &Crossing<'_>, relayed: &Relayed, body: &[u8]) -> Answer {
    let message = members(call, body)?;
    let (outcome, value) = match (message.get(RESULT), message.get(ERROR)) {
        (Some(result), None) => (RESULT, result),
        (None, Some(error)) => (ERROR, error),
        _ => return Err(unreadable(call)),
    };
    let sealed = message.text(ID).unwrap_or_default();
    let sealing = &call.shared.sealing;
    if let Some(id) = relayed.questions.answered(sealing, &relayed.digest, &sealed) {
        let answered =
            call.cause.answer(&relayed.peer, &call.caller(), &id, (outcome, value.get())).await;
        answered.map_err(|error| call.failed(error))?;
    }
    Ok(accepted())
}

/// The parameters of `notifications/cancelled` with our id of the request, which ends here: a server
/// does not answer what was cancelled, and its next question must not be taken for one of it.
fn cancelled(relayed: &Relayed, params: &RawValue) -> Option<String> {
    let params = Members::read(params.get()).ok()?;
    let id = relayed.stop(params.get(member::REQUEST_ID)?.get())?.to_string();
    let mut renumbered = Object::with_capacity(64);
    for (name, value) in params.iter() {
        renumbered.member(name, if name == member::REQUEST_ID { &id } else { value.get() });
    }
    Some(renumbered.finish())
}

fn members<'b>(call: &Crossing<'_>, body: &'b [u8]) -> Result<Members<'b>, reply::Refused> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable(call))?;
    Members::read(text).map_err(|_| unreadable(call))
}

fn unreadable(call: &Crossing<'_>) -> reply::Refused {
    call.refused(Failure::Message(Malformed::Request, "send one JSON-RPC message"))
}

fn accepted() -> Response<Body> {
    reply::empty(StatusCode::ACCEPTED)
}
