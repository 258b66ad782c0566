//! The data with which every demonstration starts. Ids follow from the order here.

use std::collections::{BTreeMap, BTreeSet};

use super::Records;
use super::delegations::Delegation;
use super::id::{Id, Kind};
use super::people::{People, Person, UserType};
use super::processes::{Part, Process, ProcessState};
use super::requests::{Action, ActionKind, Comment, Request, RequestState};
use super::role::Role;
use super::settings::Settings;
use super::table::Table;
use crate::Seating;

mod requests;

// Positions in the tables below.
const BASIC: usize = 0;
const MANAGER: usize = 1;
const ADMIN: usize = 2;

const TRAVEL: usize = 0;
const EQUIPMENT: usize = 1;

pub(super) fn records(seating: Seating) -> Records {
    let requests = requests::requests();
    let actions = history(&requests);
    Records {
        people: People::seeded(people(), seating),
        processes: Table::of(processes()),
        requests: Table::of(requests),
        actions: Table::of(actions),
        comments: Table::of(comments()),
        delegations: Table::of([Delegation {
            from: id(ADMIN),
            to: id(MANAGER),
            process: Some(id(EQUIPMENT)),
            reason: Some("Quarter-end close; Equipment can go through Tomás.".to_owned()),
        }]),
        favourites: BTreeSet::from([
            (id(BASIC), id(0)),
            (id(MANAGER), id(1)),
            (id(MANAGER), id(4)),
        ]),
        settings: Settings {
            organisation: "Fjordlight Instruments".to_owned(),
            accepting_requests: true,
            rejection_needs_note: true,
            max_open_requests: 100,
        },
    }
}

fn people() -> [Person; 3] {
    let person = |username, name: &str, user_type| Person {
        name: name.to_owned(),
        username: Some(username),
        user_type,
        limit: Role::Administrator,
    };
    [
        person("basic", "Nadia Farouk", UserType::Basic),
        person("manager", "Tomás Herrera", UserType::ProcessManager),
        person("admin", "Ingrid Solberg", UserType::Administrator),
    ]
}

fn processes() -> [Process; 3] {
    let process = |name: &str, description: &str, state, participants: &[(usize, Part)]| Process {
        name: name.to_owned(),
        description: description.to_owned(),
        state,
        participants: participants
            .iter()
            .map(|(p, part)| (id(*p), *part))
            .collect::<BTreeMap<_, _>>(),
    };
    [
        process(
            "Travel",
            "Trips to customers, suppliers and conferences, before they are booked.",
            ProcessState::Running,
            &[(MANAGER, Part::Approver), (ADMIN, Part::Approver), (BASIC, Part::Observer)],
        ),
        process(
            "Equipment",
            "Things to buy for the desk, the laboratory or the workshop.",
            ProcessState::Running,
            &[(ADMIN, Part::Approver), (MANAGER, Part::Approver)],
        ),
        process(
            "Onboarding",
            "Everything that a new colleague needs on the first day.",
            ProcessState::NotStarted,
            &[(ADMIN, Part::Approver)],
        ),
    ]
}

/// What must have happened for the requests to be as they are.
fn history(requests: &[Request]) -> Vec<Action> {
    let mut actions = Vec::new();
    for (position, request) in requests.iter().enumerate() {
        let mut happened = |by, kind, note: Option<&str>| {
            let note = note.map(str::to_owned);
            actions.push(Action { request: id(position), by, on_behalf_of: None, kind, note });
        };
        happened(request.owner, ActionKind::Created, None);
        match request.state {
            RequestState::Open => {}
            RequestState::Approved => happened(request.approver, ActionKind::Approved, None),
            RequestState::Rejected => {
                happened(request.approver, ActionKind::Rejected, Some("A call does it this time."));
            }
        }
    }
    actions
}

fn comments() -> Vec<Comment> {
    [
        (0, MANAGER, "Is the return trip on Friday or on Saturday?"),
        (0, BASIC, "Friday evening; the trial ends at noon."),
        (2, BASIC, "The early-bird price ends this month."),
        (3, ADMIN, "Please add the agenda of the port authority."),
        (6, MANAGER, "Fine. Order the one that the field team has."),
        (7, ADMIN, "The chamber may not be used after the end of the quarter without it."),
    ]
    .into_iter()
    .map(|(request, author, text)| Comment {
        request: id(request),
        author: id(author),
        text: text.to_owned(),
    })
    .collect()
}

fn id<K: Kind>(position: usize) -> Id<K> {
    Id::at(position)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_seed_points_only_at_what_exists_and_breaks_no_rule() {
        let records = records(Seating::ByUsername);
        for (_, request) in records.requests.iter() {
            records.people.get(request.owner).unwrap();
            records.people.get(request.approver).unwrap();
            let process = records.processes.get(request.process).unwrap();
            assert_ne!(request.owner, request.approver, "{}", request.title);
            let part = process.participants.get(&request.approver);
            assert_eq!(part, Some(&Part::Approver), "{}", request.title);
        }
        for (_, comment) in records.comments.iter() {
            records.requests.get(comment.request).unwrap();
            records.people.get(comment.author).unwrap();
        }
        for (person, request) in &records.favourites {
            records.people.get(*person).unwrap();
            records.requests.get(*request).unwrap();
        }
    }
}
