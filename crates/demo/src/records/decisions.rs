//! Deciding a request: the one thing about which the application is strictest.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Records;
use super::id::Id;
use super::people::Person;
use super::requests::{ActionKind, Request, RequestState, still_open};
use crate::caller::Caller;
use crate::refusal::Refusal;

/// What an approver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Decision {
    Approve,
    Reject,
}

impl Records {
    /// Approves or rejects a request. The gateway has let the call through; whether this person
    /// may decide this request is for the application alone to say.
    pub(crate) fn decide_request(
        &mut self,
        caller: &Caller,
        id: Id<Request>,
        decision: Decision,
        note: Option<String>,
    ) -> Result<(), Refusal> {
        let request = self.requests.get(id)?;
        let on_behalf_of = self.standing_of_decider(caller, id, request)?;
        still_open(id, request)?;
        if decision == Decision::Reject && note.is_none() && self.settings.rejection_needs_note {
            return Err(Refusal::Invalid("say why in the note when you reject a request".into()));
        }
        self.actions.room()?;
        let (state, kind) = match decision {
            Decision::Approve => (RequestState::Approved, ActionKind::Approved),
            Decision::Reject => (RequestState::Rejected, ActionKind::Rejected),
        };
        self.requests.get_mut(id)?.state = state;
        self.record(id, caller.person(), on_behalf_of, kind, note)
    }

    /// Whether the caller is the approver or a delegate, and then for whom. The owner never is,
    /// not even by delegation: nobody approves what they ask for themselves.
    fn standing_of_decider(
        &self,
        caller: &Caller,
        id: Id<Request>,
        request: &Request,
    ) -> Result<Option<Id<Person>>, Refusal> {
        let decider = caller.person();
        let approver = &self.people.get(request.approver)?.name;
        if request.owner == decider {
            let reason = format!(
                "you own {id}, and nobody decides their own request; it waits for {approver}"
            );
            return Err(Refusal::NotPermitted(reason));
        }
        if request.approver == decider {
            return Ok(None);
        }
        if self.is_delegate(decider, request.approver, request.process) {
            return Ok(Some(request.approver));
        }
        let reason = format!("{id} waits for {approver}, who has not delegated it to you");
        Err(Refusal::NotPermitted(reason))
    }
}
