//! People and workloads, known by the subjects under which they arrive.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::id::{Id, Kind};
use super::role::Role;
use super::table::Table;
use crate::Seating;
use crate::identity::{Identity, Verified};
use crate::refusal::Refusal;

/// What the sign-in says somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum UserType {
    Basic,
    ProcessManager,
    Administrator,
    Workload,
}

/// Somebody who uses the application.
pub(crate) struct Person {
    /// The display name.
    pub(crate) name: String,
    /// The name under which the seeded people are bound.
    pub(crate) username: Option<&'static str>,
    /// What the sign-in said last.
    pub(crate) user_type: UserType,
    /// The most that the application itself lets this person be.
    pub(crate) limit: Role,
}

/// Everybody the application has seen.
pub(crate) struct People {
    table: Table<Person>,
    by_subject: HashMap<String, Id<Person>>,
    anonymous: Option<Id<Person>>,
    seating: Seating,
}

impl Kind for Person {
    const PREFIX: &'static str = "USR";
    const NOUN: &'static str = "person";
    const FIRST: u32 = 1;
    const HINT: &'static str = "admin_list_users and list_participants name people";
}

impl UserType {
    /// The user type with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "basic" => Some(Self::Basic),
            "process_manager" => Some(Self::ProcessManager),
            "administrator" => Some(Self::Administrator),
            "workload" => Some(Self::Workload),
            _ => None,
        }
    }
}

impl People {
    /// A register that starts with these people, whom nobody has signed in as yet.
    pub(super) fn seeded(people: impl IntoIterator<Item = Person>, seating: Seating) -> Self {
        Self { table: Table::of(people), by_subject: HashMap::new(), anonymous: None, seating }
    }

    pub(crate) fn get(&self, id: Id<Person>) -> Result<&Person, Refusal> {
        self.table.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: Id<Person>) -> Result<&mut Person, Refusal> {
        self.table.get_mut(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id<Person>, &Person)> {
        self.table.iter()
    }

    /// The person behind an identity, if the record already says what the identity says. That is
    /// the usual case, and it needs no exclusive lock.
    pub(super) fn up_to_date(&self, identity: &Identity) -> Option<Id<Person>> {
        let Identity::Verified(verified) = identity else {
            return self.anonymous;
        };
        let id = *self.by_subject.get(&verified.subject)?;
        let person = self.table.get(id).ok()?;
        let same_name = verified.name.as_ref().is_none_or(|name| *name == person.name);
        let same_binding = self.seeded_person(verified).is_none_or(|bound| bound == id);
        (same_name && same_binding && person.user_type == verified.user_type).then_some(id)
    }

    /// Brings the record up to what the identity says, and makes one for somebody new.
    pub(super) fn register(&mut self, identity: &Identity) -> Result<Id<Person>, Refusal> {
        let Identity::Verified(verified) = identity else {
            return self.register_anonymous();
        };
        let known = self.by_subject.get(&verified.subject).copied();
        let seat = self.seeded_person(verified).or(known).or_else(|| self.free_seat(verified));
        let id = match seat {
            Some(id) => id,
            None => self.table.add(Person::new(verified))?,
        };
        self.by_subject.insert(verified.subject.clone(), id);
        let person = self.table.get_mut(id)?;
        person.user_type = verified.user_type;
        if let Some(name) = &verified.name {
            person.name.clone_from(name);
        }
        Ok(id)
    }

    fn register_anonymous(&mut self) -> Result<Id<Person>, Refusal> {
        let id = match self.anonymous {
            Some(id) => id,
            None => self.table.add(Person::named("Anonymous", UserType::Basic))?,
        };
        self.anonymous = Some(id);
        Ok(id)
    }

    fn seeded_person(&self, verified: &Verified) -> Option<Id<Person>> {
        let username = verified.username.as_deref()?;
        self.table.iter().find(|(_, p)| p.username == Some(username)).map(|(id, _)| id)
    }
}

impl People {
    /// The seeded person of this user type, if seats go by type and nobody took that one.
    fn free_seat(&self, verified: &Verified) -> Option<Id<Person>> {
        let fits = |(id, person): &(Id<Person>, &Person)| {
            person.username.is_some()
                && person.user_type == verified.user_type
                && !self.by_subject.values().any(|taken| taken == id)
        };
        let by_type = self.seating == Seating::ByUserType;
        self.table.iter().find(fits).filter(|_| by_type).map(|(id, _)| id)
    }
}

impl Person {
    fn new(verified: &Verified) -> Self {
        let name = verified.name.as_deref().unwrap_or("Unnamed user");
        Self::named(name, verified.user_type)
    }

    fn named(name: &str, user_type: UserType) -> Self {
        Self { name: name.to_owned(), username: None, user_type, limit: Role::Administrator }
    }
}
