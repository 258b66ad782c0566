//! The application: its records, its rules, and one lock around them. It knows nothing of MCP.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use crate::Seating;
use crate::caller::Caller;
use crate::identity::Identity;
use crate::refusal::Refusal;

pub(crate) mod decisions;
pub(crate) mod delegations;
mod favourites;
pub(crate) mod id;
pub(crate) mod people;
pub(crate) mod processes;
pub(crate) mod requests;
pub(crate) mod role;
mod seed;
pub(crate) mod settings;
pub(crate) mod table;

use self::delegations::Delegation;
use self::id::Id;
use self::people::{People, Person};
use self::processes::Process;
use self::requests::{Action, Comment, Request};
use self::settings::Settings;
use self::table::Table;

/// The application's state, shared by all sessions.
pub(crate) struct Workflow(RwLock<Records>);

/// Everything the application knows.
pub(crate) struct Records {
    pub(crate) people: People,
    pub(crate) processes: Table<Process>,
    pub(crate) requests: Table<Request>,
    pub(crate) actions: Table<Action>,
    pub(crate) comments: Table<Comment>,
    pub(crate) delegations: Table<Delegation>,
    pub(crate) favourites: BTreeSet<(Id<Person>, Id<Request>)>,
    pub(crate) settings: Settings,
}

// === impl Workflow ===

impl Workflow {
    /// A fresh application with three people, three processes and some requests.
    pub(crate) fn seeded(seating: Seating) -> Self {
        Self(RwLock::new(seed::records(seating)))
    }

    /// Looks at the records.
    ///
    /// Every rule is checked before the first write of a change, so records that a panic left
    /// behind are whole, and a poisoned lock is no reason to stop.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Records) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the records. Nobody sees a half-made change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Records) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The caller behind an identity. Whoever is new gets a record.
    pub(crate) fn recognise(&self, identity: Identity) -> Result<Caller, Refusal> {
        let person = match self.read(|records| records.people.up_to_date(&identity)) {
            Some(person) => person,
            None => self.change(|records| records.people.register(&identity))?,
        };
        Ok(match identity {
            Identity::Anonymous => Caller::new(person, people::UserType::Basic, Vec::new(), None),
            Identity::Verified(v) => Caller::new(person, v.user_type, v.scopes, v.client),
        })
    }
}
