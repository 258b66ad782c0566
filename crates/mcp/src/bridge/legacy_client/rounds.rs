//! One request, asked as often as the upstream wants more from the client (D-53).

use std::time::Duration;

use protocol::jsonrpc::member::CODE;
use protocol::mcp::{HEADER_MISMATCH, UNSUPPORTED_VERSION, member, method, result_type};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use upstream::connection::{ConnectionError, Kind, Outcome, Question, ServerMessage};
use upstream::wire::json::{Members, quoted};

use super::asker::{Asker, Original};
use super::forms::Told;
use super::notices::Sent;
use super::request::{Returned, compose};
use super::{notices, param_headers, questions};
use crate::access::TokenStatus;
use crate::bridge::legacy_client::UNREADABLE_PARAMS;
use crate::bridge::without_session;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure::{Failure, Unusable};

/// How often a server may ask (C-84).
const MOST_ROUNDS: u32 = 25;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The final answer of the upstream.
pub(super) async fn answer(
    asker: &Asker,
    original: &Original,
    tell: &mpsc::Sender<ClientMessage>,
) -> Result<ServerMessage, Failure> {
    let mut told = Told::default();
    let answer = go_round(asker, original, tell, &mut told).await;
    told.complete(tell).await;
    answer
}

async fn go_round(
    asker: &Asker,
    original: &Original,
    tell: &mpsc::Sender<ClientMessage>,
    told: &mut Told,
) -> Result<ServerMessage, Failure> {
    let mut returned = Returned::default();
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_ROUNDS {
        let answer = ask_once(asker, original, &returned, tell).await?;
        let Some(wanted) = Wanted::read(&answer)? else {
            return Ok(answer);
        };
        if !matches!(
            &*original.method,
            method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ
        ) {
            // C-80: nothing else may ask back.
            return Err(ConnectionError::Garbled.into());
        }
        let responses = if let Some(requests) = &wanted.requests {
            Some(questions::put(asker, requests, tell, told).await?)
        } else {
            // C-81: the server sheds load; it wants the same again, later.
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            None
        };
        still_allowed(asker)?;
        returned = Returned { responses, state: wanted.state };
    }
    Err(Unusable::KeepsAsking.into())
}

/// C-83: each retry is a request by itself, and minutes may lie between.
fn still_allowed(asker: &Asker) -> Result<(), Failure> {
    match asker.shared.trust.standing(&asker.permit) {
        TokenStatus::Good => Ok(()),
        _ => Err(Failure::AccessEnded),
    }
}

/// One round. C-20: a server that finds headers and body to differ knows its tools better, so they
/// are learned anew, once.
async fn ask_once(
    asker: &Asker,
    original: &Original,
    returned: &Returned,
    tell: &mpsc::Sender<ClientMessage>,
) -> Result<ServerMessage, Failure> {
    let headers = param_headers::of(asker, original).await;
    let question = compose(asker, original, returned, headers).map_err(|_| UNREADABLE_PARAMS)?;
    let answer = hear(asker, original, question, tell).await?;
    match error_code(&answer) {
        Some(HEADER_MISMATCH) if &*original.method == method::TOOLS_CALL => {}
        Some(UNSUPPORTED_VERSION) => {
            // Not what it said when it was asked for its eras.
            asker.server.upstream.eras.doubt();
            return Ok(answer);
        }
        _ => return Ok(answer),
    }
    let headers = param_headers::again(asker, original).await;
    let question = compose(asker, original, returned, headers).map_err(|_| UNREADABLE_PARAMS)?;
    hear(asker, original, question, tell).await
}

async fn hear(
    asker: &Asker,
    original: &Original,
    question: Question,
    tell: &mpsc::Sender<ClientMessage>,
) -> Result<ServerMessage, Failure> {
    let sent = Sent { id: question.id, wants_logs: asker.log_level().is_some() };
    let mut responses = asker.ask(question).await?;
    while let Some(heard) = responses.next().await {
        let heard = heard.map_err(without_session)?;
        match &heard.kind {
            Kind::Answer => return Ok(heard),
            Kind::Notification { method } => {
                if let Some(notice) = notices::of_request(&heard, method, original, sent) {
                    // D-58: a client that went away hears nothing, and nothing stops.
                    let _ = tell.send(ClientMessage::before(notice)).await;
                }
            }
            // C-09: a modern server asks by its result and never like this.
            Kind::Question { .. } => {}
        }
    }
    Err(ConnectionError::Broken.into())
}

fn error_code(answer: &ServerMessage) -> Option<i32> {
    match answer.outcome().ok()? {
        Outcome::Error(error) => Members::read(error.get()).ok()?.get(CODE)?.get().parse().ok(),
        Outcome::Result(_) => None,
    }
}

/// What a server wants before it goes on.
struct Wanted {
    requests: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
}

impl Wanted {
    /// `None` for a result that is complete, and for an error.
    fn read(answer: &ServerMessage) -> Result<Option<Self>, Failure> {
        let Outcome::Result(result) = answer.outcome()? else {
            return Ok(None);
        };
        let members = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
        match members.get(member::RESULT_TYPE).map(RawValue::get) {
            None => return Ok(None),
            Some(kind) if kind == quoted(result_type::COMPLETE) => return Ok(None),
            Some(kind) if kind == quoted(result_type::INPUT_REQUIRED) => {}
            // C-32: an unknown kind of result is invalid. Tasks were not declared (D-61).
            Some(_) => return Err(ConnectionError::Garbled.into()),
        }
        let requests =
            members.get(member::INPUT_REQUESTS).filter(|requests| requests.get() != "null");
        let state = members.get(member::REQUEST_STATE).filter(|state| state.get() != "null");
        if requests.is_none() && state.is_none() {
            return Err(ConnectionError::Garbled.into());
        }
        let owned = |value: Option<&RawValue>| value.map(RawValue::to_owned);
        Ok(Some(Self { requests: owned(requests), state: owned(state) }))
    }
}
