//! What tools answer: records with names in place of bare ids. The shapes are published as output
//! schemas.

use schemars::JsonSchema;
use serde::Serialize;

use crate::records::Records;
use crate::records::delegations::Delegation;
use crate::records::id::Id;
use crate::records::people::{Person, UserType};
use crate::records::processes::{Part, Process, ProcessState};
use crate::records::requests::{Action, ActionKind, Comment, Priority, Request, RequestState};
use crate::records::role::Role;

/// A person, by id and name.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PersonRef {
    id: Id<Person>,
    name: String,
}

/// A process, by id and name.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProcessRef {
    id: Id<Process>,
    name: String,
}

/// A request without its history.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RequestView {
    id: Id<Request>,
    title: String,
    description: String,
    process: ProcessRef,
    owner: PersonRef,
    /// Who decides it.
    approver: PersonRef,
    priority: Priority,
    /// What it costs, in whole euros.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_eur: Option<u32>,
    state: RequestState,
}

/// Something that happened to a request.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActionView {
    id: Id<Action>,
    request_id: Id<Request>,
    kind: ActionKind,
    by: PersonRef,
    /// The approver for whom a delegate acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<PersonRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Something that somebody said about a request.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CommentView {
    id: Id<Comment>,
    request_id: Id<Request>,
    author: PersonRef,
    text: String,
}

/// A process.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProcessView {
    id: Id<Process>,
    name: String,
    description: String,
    state: ProcessState,
    /// How many of its requests are undecided.
    open_requests: usize,
}

/// Somebody who takes part in a process.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ParticipantView {
    person: PersonRef,
    part: Part,
}

/// Leave for somebody to decide in somebody else's place.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DelegationView {
    id: Id<Delegation>,
    from: PersonRef,
    to: PersonRef,
    /// Only requests of this process; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A person with what the application knows of them.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PersonView {
    id: Id<Person>,
    name: String,
    /// What the sign-in says.
    user_type: UserType,
    /// The most that the application lets them be.
    limit: Role,
}

impl Records {
    pub(crate) fn person_ref(&self, id: Id<Person>) -> PersonRef {
        let name = self.people.get(id).map_or("unknown", |person| person.name.as_str());
        PersonRef { id, name: name.to_owned() }
    }

    fn process_ref(&self, id: Id<Process>) -> ProcessRef {
        let name = self.processes.get(id).map_or("unknown", |process| process.name.as_str());
        ProcessRef { id, name: name.to_owned() }
    }

    pub(crate) fn view_request(&self, id: Id<Request>, request: &Request) -> RequestView {
        RequestView {
            id,
            title: request.title.clone(),
            description: request.description.clone(),
            process: self.process_ref(request.process),
            owner: self.person_ref(request.owner),
            approver: self.person_ref(request.approver),
            priority: request.priority,
            amount_eur: request.amount_eur,
            state: request.state,
        }
    }

    pub(crate) fn view_actions(&self, request: Id<Request>) -> Vec<ActionView> {
        let of_request = self.actions.iter().filter(|(_, action)| action.request == request);
        of_request
            .map(|(id, action)| ActionView {
                id,
                request_id: request,
                kind: action.kind,
                by: self.person_ref(action.by),
                on_behalf_of: action.on_behalf_of.map(|person| self.person_ref(person)),
                note: action.note.clone(),
            })
            .collect()
    }

    pub(crate) fn view_comments(&self, request: Id<Request>) -> Vec<CommentView> {
        let of_request = self.comments.iter().filter(|(_, comment)| comment.request == request);
        of_request.map(|(id, comment)| self.view_comment(id, comment)).collect()
    }

    pub(crate) fn view_comment(&self, id: Id<Comment>, comment: &Comment) -> CommentView {
        CommentView {
            id,
            request_id: comment.request,
            author: self.person_ref(comment.author),
            text: comment.text.clone(),
        }
    }

    pub(crate) fn view_process(&self, id: Id<Process>, process: &Process) -> ProcessView {
        let open = self
            .requests
            .iter()
            .filter(|(_, r)| r.process == id && r.state == RequestState::Open)
            .count();
        ProcessView {
            id,
            name: process.name.clone(),
            description: process.description.clone(),
            state: process.state,
            open_requests: open,
        }
    }

    pub(crate) fn view_participants(&self, process: &Process) -> Vec<ParticipantView> {
        let participants = process.participants.iter();
        participants
            .map(|(person, part)| ParticipantView { person: self.person_ref(*person), part: *part })
            .collect()
    }

    pub(crate) fn view_delegation(&self, id: Id<Delegation>, given: &Delegation) -> DelegationView {
        DelegationView {
            id,
            from: self.person_ref(given.from),
            to: self.person_ref(given.to),
            process: given.process.map(|process| self.process_ref(process)),
            reason: given.reason.clone(),
        }
    }

    pub(crate) fn view_person(id: Id<Person>, person: &Person) -> PersonView {
        PersonView {
            id,
            name: person.name.clone(),
            user_type: person.user_type,
            limit: person.limit,
        }
    }
}
