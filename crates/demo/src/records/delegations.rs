//! Delegations: letting somebody else decide in one's place.

use super::Records;
use super::id::{Id, Kind};
use super::people::Person;
use super::processes::Process;
use crate::caller::Caller;
use crate::refusal::Refusal;

/// One person's leave for another to decide in their place.
pub(crate) struct Delegation {
    pub(crate) from: Id<Person>,
    pub(crate) to: Id<Person>,
    /// Only requests of this process, or all.
    pub(crate) process: Option<Id<Process>>,
    pub(crate) reason: Option<String>,
}

impl Kind for Delegation {
    const PREFIX: &'static str = "DEL";
    const NOUN: &'static str = "delegation";
    const FIRST: u32 = 1;
    const HINT: &'static str = "list_delegations shows yours";
}

impl Records {
    /// Lets somebody else decide what waits for the caller.
    pub(crate) fn delegate(
        &mut self,
        caller: &Caller,
        to: Id<Person>,
        process: Option<Id<Process>>,
        reason: Option<String>,
    ) -> Result<Id<Delegation>, Refusal> {
        self.people.get(to)?;
        if let Some(process) = process {
            self.processes.get(process)?;
        }
        if to == caller.person() {
            return Err(Refusal::Invalid("a delegation to yourself would change nothing".into()));
        }
        self.delegations.add(Delegation { from: caller.person(), to, process, reason })
    }

    /// Whether `decider` may decide what waits for `approver` in this process.
    pub(super) fn is_delegate(
        &self,
        decider: Id<Person>,
        approver: Id<Person>,
        process: Id<Process>,
    ) -> bool {
        self.delegations.iter().any(|(_, delegation)| {
            delegation.from == approver
                && delegation.to == decider
                && delegation.process.is_none_or(|only| only == process)
        })
    }
}
