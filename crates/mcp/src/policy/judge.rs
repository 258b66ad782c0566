//! What one message may do.

use bytes::Bytes;
use protocol::jsonrpc::{Message, Params};
use protocol::mcp::{self, Method, method};
use protocol::{Scope, Scopes};
use upstream::wire::Era;

use crate::access::Permit;
use crate::policy;
use crate::policy::{Basis, Decision, Hints, Policy};

/// How a message that may pass is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// The answer passes as it comes.
    Pass,
    /// The answer opens a session.
    Initialize,
    /// The answer is filtered.
    ListTools,
    /// The answer is a stream that stays.
    Listen,
    /// A tool is called; the answer may begin a task.
    CallTool,
    /// A task is asked about.
    Task,
}

/// A message that may go on its way. Only [`Judge::judge`] makes one.
pub(crate) struct JudgedRequest<'m> {
    message: &'m Message<'m>,
    body: Bytes,
    handling: Handling,
    proof: Judged,
}

/// Proof that somebody's message was judged, for what is sent on its account after it was answered
/// or rewritten. It cannot be made, only taken from a [`JudgedRequest`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged(());

/// What was decided about a message, and by what.
pub(crate) struct Judgement<'m> {
    pub(crate) outcome: Result<JudgedRequest<'m>, Denial>,
    pub(crate) basis: Basis,
}

/// Why a message does not go on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// No id, and no notification that MCP knows: a request whose id was forgotten would be carried out
    /// without an answer.
    WithoutId,
    /// A call that names no tool.
    NoTool,
    /// There is no such method in this era.
    UnknownMethod,
    /// To this person the tool does not exist.
    UnknownTool(String),
    /// This principal began no task of this name.
    UnknownTask,
    /// It did, but its tool does not exist for this person any more.
    HiddenTask,
    /// A grant of these scopes would do.
    Scope(Scopes),
    /// No grant would do: this account may never use the method here.
    Account,
}

/// What is known of a server's tools, as far as decisions need it.
pub(crate) trait KnownTools {
    /// Whether the tool cannot be read in the server's list, so that nobody can call it.
    fn is_unreadable(&self, tool: &str) -> bool;

    /// What the server last said of the tool.
    fn hints(&self, tool: &str) -> Option<Hints>;

    /// The tool whose call began the task that `params` name; `None` if this principal began no
    /// task of this name.
    fn tool_of_task(&self, permit: &Permit, params: &Params<'_>) -> Option<String>;
}

/// One person at one server, in one era, and everything that decides about their messages.
pub(crate) struct Judge<'j, T> {
    pub(crate) policy: &'j Policy,
    pub(crate) tools: &'j T,
    pub(crate) permit: &'j Permit,
    pub(crate) era: Era,
}

impl<'m> JudgedRequest<'m> {
    pub(crate) fn message(&self) -> &'m Message<'m> {
        self.message
    }

    /// The bytes of the message, as they came.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn handling(&self) -> Handling {
        self.handling
    }

    /// The proof, for what is sent on account of this message.
    pub(crate) fn proof(&self) -> Judged {
        self.proof
    }
}

impl<T: KnownTools> Judge<'_, T> {
    /// Decides about one message, whose bytes are `body`. Nothing but it and the permit counts.
    pub(crate) fn judge<'m>(&self, message: &'m Message<'m>, body: Bytes) -> Judgement<'m> {
        let (outcome, basis) = match message {
            Message::Answer => (Ok(Handling::Pass), Basis::Method),
            Message::Notification { method, .. } if mcp::is_notification(method) => {
                (Ok(Handling::Pass), Basis::Method)
            }
            Message::Notification { .. } => (Err(Denial::WithoutId), Basis::Method),
            Message::Request { method, params, .. } => self.request(method, params),
        };
        let outcome =
            outcome.map(|handling| JudgedRequest { message, body, handling, proof: Judged(()) });
        Judgement { outcome, basis }
    }

    /// Decides about news of a task that a call of `tool` began, which a modern subscription asks
    /// for (E-19): the tool decides, by what is allowed today.
    pub(crate) fn follow(&self, tool: &str) -> (Result<(), Denial>, Basis) {
        let (decision, basis) = self.decide(tool);
        let outcome = match decision {
            Decision::Allow => Ok(()),
            Decision::Challenge(needed) => Err(Denial::Scope(needed)),
            Decision::Hide => Err(Denial::HiddenTask),
        };
        (outcome, basis)
    }

    fn request(&self, method: &str, params: &Params<'_>) -> (Result<Handling, Denial>, Basis) {
        let by_scope = |scope, handling| (self.with_scope(scope, handling), Basis::Method);
        match Method::of_request(method) {
            None => (Err(Denial::UnknownMethod), Basis::Method),
            Some(Method::Open) => (Ok(Handling::Pass), Basis::Method),
            Some(Method::Initialize) => (Ok(Handling::Initialize), Basis::Method),
            Some(Method::ListTools) => (Ok(Handling::ListTools), Basis::Method),
            Some(Method::Read) => by_scope(Scope::Read, Handling::Pass),
            Some(Method::Listen) => by_scope(Scope::Read, Handling::Listen),
            Some(Method::CallTool) => self.call_tool(params),
            Some(Method::Task) => self.task(method, params),
        }
    }

    fn call_tool(&self, params: &Params<'_>) -> (Result<Handling, Denial>, Basis) {
        let Some(tool) = params.name.as_deref() else {
            return (Err(Denial::NoTool), Basis::Method);
        };
        let (decision, basis) = self.decide(tool);
        let outcome = match decision {
            Decision::Allow => Ok(Handling::CallTool),
            Decision::Challenge(needed) => Err(Denial::Scope(needed)),
            Decision::Hide => Err(Denial::UnknownTool(tool.to_owned())),
        };
        (outcome, basis)
    }

    fn decide(&self, tool: &str) -> (Decision, Basis) {
        if self.tools.is_unreadable(tool) {
            return (Decision::Hide, Basis::List);
        }
        let hints = if self.policy.uses_hints() { self.tools.hints(tool) } else { None };
        self.policy.judge(self.permit.reach(), tool, hints)
    }

    /// 2025-11-25 has `tasks/result`, and the extension of 2026-07-28 has `tasks/update`.
    fn task(&self, method: &str, params: &Params<'_>) -> (Result<Handling, Denial>, Basis) {
        let foreign = match self.era {
            Era::Modern => method::TASKS_RESULT,
            Era::Legacy => method::TASKS_UPDATE,
        };
        if method == foreign {
            return (Err(Denial::UnknownMethod), Basis::Method);
        }
        match self.tools.tool_of_task(self.permit, params) {
            None => (Err(Denial::UnknownTask), Basis::Method),
            Some(tool) => {
                let (outcome, basis) = self.follow(&tool);
                (outcome.map(|()| Handling::Task), basis)
            }
        }
    }

    fn with_scope(&self, scope: Scope, handling: Handling) -> Result<Handling, Denial> {
        match policy::decide(self.permit.reach(), scope) {
            Decision::Allow => Ok(handling),
            Decision::Challenge(needed) => Err(Denial::Scope(needed)),
            Decision::Hide => Err(Denial::Account),
        }
    }
}
