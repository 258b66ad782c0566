//! Requests, what happens to them, and who may make it happen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Records;
use super::id::{Id, Kind};
use super::people::Person;
use super::processes::{Process, ProcessState};
use super::role::Role;
use crate::caller::Caller;
use crate::refusal::Refusal;

/// Something that somebody wants and somebody else decides.
pub(crate) struct Request {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) process: Id<Process>,
    pub(crate) owner: Id<Person>,
    pub(crate) approver: Id<Person>,
    pub(crate) priority: Priority,
    /// What it costs, in whole euros.
    pub(crate) amount_eur: Option<u32>,
    pub(crate) state: RequestState,
}

/// Something that happened to a request.
pub(crate) struct Action {
    pub(crate) request: Id<Request>,
    pub(crate) by: Id<Person>,
    /// The approver for whom a delegate acted.
    pub(crate) on_behalf_of: Option<Id<Person>>,
    pub(crate) kind: ActionKind,
    pub(crate) note: Option<String>,
}

/// Something that somebody said about a request.
pub(crate) struct Comment {
    pub(crate) request: Id<Request>,
    pub(crate) author: Id<Person>,
    pub(crate) text: String,
}

/// How urgent a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

/// Whether a request is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum RequestState {
    Open,
    Approved,
    Rejected,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ActionKind {
    Created,
    Updated,
    Approved,
    Rejected,
}

/// A request that is about to be made.
pub(crate) struct Draft {
    pub(crate) process: Id<Process>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) priority: Priority,
    pub(crate) amount_eur: Option<u32>,
}

/// What is to be different about a request. What is `None` stays.
pub(crate) struct Amendment {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) priority: Option<Priority>,
    pub(crate) amount_eur: Option<u32>,
}

impl Kind for Request {
    const PREFIX: &'static str = "REQ";
    const NOUN: &'static str = "request";
    const FIRST: u32 = 1001;
    const HINT: &'static str = "list_requests and search_requests show which there are";
}

impl Kind for Action {
    const PREFIX: &'static str = "ACT";
    const NOUN: &'static str = "action";
    const FIRST: u32 = 1;
    const HINT: &'static str = "list_actions shows those of a request";
}

impl Kind for Comment {
    const PREFIX: &'static str = "COM";
    const NOUN: &'static str = "comment";
    const FIRST: u32 = 1;
    const HINT: &'static str = "list_comments shows those of a request";
}

impl Records {
    /// Makes a request in the caller's name and finds out who decides it.
    pub(crate) fn create_request(
        &mut self,
        caller: &Caller,
        draft: Draft,
    ) -> Result<Id<Request>, Refusal> {
        self.settings.accepts_requests()?;
        let owner = caller.person();
        let approver = self.approver_for(&draft, owner)?;
        self.open_requests_within_limit(owner)?;
        self.actions.room()?;
        let request = self.requests.add(Request {
            title: draft.title,
            description: draft.description,
            process: draft.process,
            owner,
            approver,
            priority: draft.priority,
            amount_eur: draft.amount_eur,
            state: RequestState::Open,
        })?;
        self.record(request, owner, None, ActionKind::Created, None)?;
        Ok(request)
    }

    /// Changes an open request. Only its owner and administrators may.
    pub(crate) fn update_request(
        &mut self,
        caller: &Caller,
        id: Id<Request>,
        amendment: Amendment,
    ) -> Result<(), Refusal> {
        let request = self.requests.get(id)?;
        if request.owner != caller.person() && self.role(caller) < Role::Administrator {
            let owner = &self.people.get(request.owner)?.name;
            let reason = format!("only {owner}, who owns {id}, or an administrator may change it");
            return Err(Refusal::NotPermitted(reason));
        }
        still_open(id, request)?;
        self.actions.room()?;
        self.requests.get_mut(id)?.amend(amendment);
        self.record(id, caller.person(), None, ActionKind::Updated, None)
    }

    /// Says something about a request. Everybody may, even when it is decided.
    pub(crate) fn comment(
        &mut self,
        caller: &Caller,
        id: Id<Request>,
        text: String,
    ) -> Result<Id<Comment>, Refusal> {
        self.requests.get(id)?;
        self.comments.add(Comment { request: id, author: caller.person(), text })
    }

    fn approver_for(&self, draft: &Draft, owner: Id<Person>) -> Result<Id<Person>, Refusal> {
        let process = self.processes.get(draft.process)?;
        let name = &process.name;
        if process.state != ProcessState::Running {
            let reason =
                format!("{name} takes no requests, because it is {}", process.state.as_str());
            return Err(Refusal::WrongState(reason));
        }
        process.approver_for(owner).ok_or_else(|| {
            Refusal::WrongState(format!(
                "{name} has no approver but yourself; a process manager can add one"
            ))
        })
    }

    fn open_requests_within_limit(&self, owner: Id<Person>) -> Result<(), Refusal> {
        let limit = self.settings.max_open_requests;
        let open = self
            .requests
            .iter()
            .filter(|(_, r)| r.owner == owner && r.state == RequestState::Open)
            .count();
        if usize::try_from(limit).is_ok_and(|limit| open < limit) {
            return Ok(());
        }
        Err(Refusal::WrongState(format!("you have {open} open requests, and the limit is {limit}")))
    }

    pub(super) fn record(
        &mut self,
        request: Id<Request>,
        by: Id<Person>,
        on_behalf_of: Option<Id<Person>>,
        kind: ActionKind,
        note: Option<String>,
    ) -> Result<(), Refusal> {
        self.actions.add(Action { request, by, on_behalf_of, kind, note }).map(drop)
    }
}

impl RequestState {
    /// The name in tables and sentences.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl Request {
    fn amend(&mut self, amendment: Amendment) {
        if let Some(title) = amendment.title {
            self.title = title;
        }
        if let Some(description) = amendment.description {
            self.description = description;
        }
        if let Some(priority) = amendment.priority {
            self.priority = priority;
        }
        if amendment.amount_eur.is_some() {
            self.amount_eur = amendment.amount_eur;
        }
    }
}

pub(super) fn still_open(id: Id<Request>, request: &Request) -> Result<(), Refusal> {
    if request.state == RequestState::Open {
        return Ok(());
    }
    let decided = request.state.as_str();
    Err(Refusal::WrongState(format!("{id} has been {decided} already")))
}
