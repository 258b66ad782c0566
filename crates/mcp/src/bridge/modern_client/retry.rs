//! D-36, C-81: a client comes back with answers.

use http::StatusCode;
use protocol::jsonrpc::member::{METHOD, PARAMS, RESULT};
use protocol::mcp::member;
use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object};

use super::bridged_request::BridgedRequest;
use super::question::{Verdict, judge};
use super::running::Running;
use super::state::State;
use super::{notices, refusal, talk};
use crate::bridge::Crossing;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::deliver;
use crate::reply::failure::{Failure, Malformed};
use crate::reply::{Answer, Refused};

/// Answers a retry. It was judged like any other request before (C-83).
pub(super) async fn answer(call: &Crossing<'_>, asked: BridgedRequest, unverified: &str) -> Answer {
    let state = State::open(&asked, unverified).ok_or_else(|| stale(call))?;
    if !call.shared.is_own(&state.owner) {
        let path = call.server.path.as_str();
        let answered = call.hand_over(&state.owner, path, asked.body).await;
        // A replica that is gone took the call along; what a connection that broke off had done is
        // not known.
        return answered.map_err(|refused| match refused.status() {
            StatusCode::NOT_FOUND => stale(call),
            _ => refused,
        });
    }
    // Looked at before the call is woken: a client may mend these and try again.
    let answers = answers(&asked).ok_or_else(|| {
        call.refused(Failure::Message(
            Malformed::Params,
            "inputResponses must be an object that holds an object for each key",
        ))
    })?;
    let parked = call.state.parked.take_own(&state.ticket, call.permit.principal());
    let running = parked.ok_or_else(|| stale(call))?.wake().await.ok_or_else(|| stale(call))?;
    let running = running.resume(asked, &answers).await.map_err(|error| refusal(call, error))?;
    deliver(call, talk::reply(running), None, StreamKind::Answer).await
}

impl Running {
    /// Goes on under the retry's id. What it did not answer stays pending, and is asked again.
    async fn resume(
        mut self,
        asked: BridgedRequest,
        answers: &[(String, String)],
    ) -> Result<Self, ConnectionError> {
        self.asked = asked;
        for (key, value) in answers {
            // A key that was never asked is no answer to anything.
            let Some(at) = self.pending.iter().position(|pending| pending.key == *key) else {
                continue;
            };
            let pending = self.pending.remove(at);
            let Self { asked, peer, .. } = &self;
            asked.cause.answer(peer, &asked.caller, &pending.id, (RESULT, value)).await?;
        }
        self.refuse_undeclared().await;
        Ok(self)
    }
}

impl Running {
    /// C-31: each request declares anew what its client can be asked. What this one cannot, the
    /// server hears.
    async fn refuse_undeclared(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let request = Members::read(&pending.request).ok();
            let method = request.as_ref().and_then(|request| request.text(METHOD));
            let params = request.as_ref().and_then(|request| request.get(PARAMS));
            match judge(&method.unwrap_or_default(), params, self.asked.able) {
                Verdict::Refuse(code, why) => {
                    let caller = &self.asked.caller;
                    notices::tell(&self.peer, caller, &pending.id, Err((code, why))).await;
                }
                Verdict::Ask(_) | Verdict::Ping => self.pending.push(pending),
            }
        }
    }
}

/// `inputResponses`, each a result in the words of 2025-11-25; `None` if they are malformed.
fn answers(asked: &BridgedRequest) -> Option<Vec<(String, String)>> {
    let responses = Members::read(asked.param(member::INPUT_RESPONSES).unwrap_or("{}")).ok()?;
    responses.iter().map(|(key, value)| Some((key.to_owned(), legacy(value)?))).collect()
}

fn legacy(response: &RawValue) -> Option<String> {
    let members = Members::read(response.get()).ok()?;
    let mut object = Object::with_capacity(response.get().len());
    object.members(&members, |name| name != member::RESULT_TYPE);
    Some(object.finish())
}

/// The same for a state that is damaged, somebody else's, too old, used up, or for another
/// request: nothing tells them apart.
fn stale(call: &Crossing<'_>) -> Refused {
    call.refused(Failure::Message(
        Malformed::Params,
        "this requestState is not valid here, or has expired; send the request again without it",
    ))
}
