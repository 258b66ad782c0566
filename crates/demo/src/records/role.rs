//! What a caller may do in the application, and the proof of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Records;
use super::id::Id;
use super::people::{Person, UserType};
use crate::caller::Caller;
use crate::refusal::Refusal;

/// A standing in the application, from the least to the most powerful.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Role {
    Basic,
    ProcessManager,
    Administrator,
}

/// Proof that the caller may run processes.
pub(crate) struct ProcessManager(());

/// Proof that the caller may administer the application.
pub(crate) struct Administrator(());

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "a basic user",
            Self::ProcessManager => "a process manager",
            Self::Administrator => "an administrator",
        }
    }
}

impl Records {
    /// What the caller is here: what the gateway says, and never more than the application's own
    /// limit for this person.
    pub(crate) fn role(&self, caller: &Caller) -> Role {
        let limit = self.people.get(caller.person()).map_or(Role::Basic, |person| person.limit);
        signed_in_role(caller).min(limit)
    }

    /// The caller as somebody who may run processes.
    pub(crate) fn process_manager(&self, caller: &Caller) -> Result<ProcessManager, Refusal> {
        self.require(caller, Role::ProcessManager).map(|()| ProcessManager(()))
    }

    /// The caller as somebody who may administer the application.
    pub(crate) fn administrator(&self, caller: &Caller) -> Result<Administrator, Refusal> {
        self.require(caller, Role::Administrator).map(|()| Administrator(()))
    }

    /// Limits what a person may be in the application, whatever the sign-in says.
    pub(crate) fn limit_person(
        &mut self,
        _permit: &Administrator,
        caller: &Caller,
        person: Id<Person>,
        limit: Role,
    ) -> Result<(), Refusal> {
        if caller.person() == person {
            let reason = "nobody changes their own user type; ask another administrator";
            return Err(Refusal::NotPermitted(reason.to_owned()));
        }
        self.people.get_mut(person)?.limit = limit;
        Ok(())
    }

    fn require(&self, caller: &Caller, needed: Role) -> Result<(), Refusal> {
        let role = self.role(caller);
        if role >= needed {
            return Ok(());
        }
        let (role, needed) = (role.as_str(), needed.as_str());
        Err(Refusal::NotPermitted(format!("this takes {needed}, and you are {role} here")))
    }
}

/// A workload is no person and has no user type of its own; its scopes say what it is for.
fn signed_in_role(caller: &Caller) -> Role {
    let holds = |name: &str| caller.scopes().iter().any(|scope| scope == name);
    match caller.user_type() {
        UserType::ProcessManager => Role::ProcessManager,
        UserType::Administrator => Role::Administrator,
        UserType::Workload if holds("mcp:admin") => Role::Administrator,
        UserType::Workload if holds("mcp:process_admin") => Role::ProcessManager,
        UserType::Basic | UserType::Workload => Role::Basic,
    }
}
