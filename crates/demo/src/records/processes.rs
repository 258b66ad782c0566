//! Processes: what kinds of request there are, and who decides about them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Records;
use super::id::{Id, Kind};
use super::people::Person;
use super::role::ProcessManager;
use crate::refusal::Refusal;

/// A kind of request with its rules.
pub(crate) struct Process {
    /// A short name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// Whether it takes requests.
    pub(crate) state: ProcessState,
    /// Who takes part, and as what.
    pub(crate) participants: BTreeMap<Id<Person>, Part>,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ProcessState {
    NotStarted,
    Running,
    Paused,
}

/// A step in the life of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Start,
    Pause,
    Resume,
}

/// What somebody does in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Part {
    Approver,
    Observer,
}

impl Kind for Process {
    const PREFIX: &'static str = "PRC";
    const NOUN: &'static str = "process";
    const FIRST: u32 = 1;
    const HINT: &'static str = "list_processes shows them all";
}

impl Process {
    /// Who decides about a request of this owner: the first approver who is somebody else.
    pub(super) fn approver_for(&self, owner: Id<Person>) -> Option<Id<Person>> {
        self.approvers().find(|approver| *approver != owner)
    }

    fn approvers(&self) -> impl Iterator<Item = Id<Person>> {
        self.participants
            .iter()
            .filter(|(_, part)| **part == Part::Approver)
            .map(|(person, _)| *person)
    }

    /// Whether nobody would be left to decide if this person no longer did.
    fn depends_on(&self, person: Id<Person>) -> bool {
        self.approvers().all(|approver| approver == person)
    }
}

impl ProcessState {
    /// The state after a step, if the step can be taken from here.
    fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::NotStarted, Step::Start) | (Self::Paused, Step::Resume) => Some(Self::Running),
            (Self::Running, Step::Pause) => Some(Self::Paused),
            _ => None,
        }
    }

    /// The state in a sentence.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not started yet",
            Self::Running => "running",
            Self::Paused => "paused",
        }
    }
}

impl Records {
    /// Starts, pauses or resumes a process.
    pub(crate) fn step_process(
        &mut self,
        _permit: &ProcessManager,
        id: Id<Process>,
        step: Step,
    ) -> Result<(), Refusal> {
        let process = self.processes.get_mut(id)?;
        let Some(next) = process.state.after(step) else {
            let (name, state) = (&process.name, process.state.as_str());
            return Err(Refusal::WrongState(format!("{id} ({name}) is {state}")));
        };
        process.state = next;
        Ok(())
    }

    /// Makes somebody take part in a process, or changes as what.
    pub(crate) fn add_participant(
        &mut self,
        _permit: &ProcessManager,
        id: Id<Process>,
        person: Id<Person>,
        part: Part,
    ) -> Result<(), Refusal> {
        self.people.get(person)?;
        let process = self.processes.get_mut(id)?;
        if part == Part::Observer {
            keeps_an_approver(process, id, person)?;
        }
        process.participants.insert(person, part);
        Ok(())
    }

    /// Makes somebody no longer take part. Requests already assigned to them stay with them.
    pub(crate) fn remove_participant(
        &mut self,
        _permit: &ProcessManager,
        id: Id<Process>,
        person: Id<Person>,
    ) -> Result<(), Refusal> {
        let process = self.processes.get_mut(id)?;
        if !process.participants.contains_key(&person) {
            let reason =
                format!("{person} takes no part in {id}; list_participants shows who does");
            return Err(Refusal::Invalid(reason));
        }
        keeps_an_approver(process, id, person)?;
        process.participants.remove(&person);
        Ok(())
    }
}

fn keeps_an_approver(
    process: &Process,
    id: Id<Process>,
    without: Id<Person>,
) -> Result<(), Refusal> {
    if process.participants.contains_key(&without) && process.depends_on(without) {
        let reason = format!("{id} would have no approver left; add another one first");
        return Err(Refusal::WrongState(reason));
    }
    Ok(())
}
