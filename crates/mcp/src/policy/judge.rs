//! What one message may do.

use http::StatusCode;
use protocol::challenge::ChallengeError;
use protocol::jsonrpc::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Message, Params};
use protocol::mcp::{self, INSUFFICIENT_SCOPE, Method};
use protocol::{Scope, Scopes};

use crate::access::Permit;
use crate::observe::Verdict;
use crate::policy::{Basis, Decision};
use crate::reply::{Fault, Refused};
use crate::request::{Call, Server};
use crate::tools::tasks::Task;
use crate::upstream::wire::Era;
use crate::{observe, policy};

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

/// Decides about one message, and says in `verdict` what it decided. Nothing but its body and the
/// permit counts.
pub(crate) fn judge(
    server: &Server,
    permit: &Permit,
    era: Era,
    message: &Message<'_>,
    verdict: &mut Verdict,
) -> Result<Handling, Refused> {
    let (id, method, params) = match message {
        Message::Answer => return Ok(Handling::Pass),
        Message::Notification { method, .. } if mcp::is_notification(method) => {
            return Ok(Handling::Pass);
        }
        Message::Notification { .. } => {
            verdict.decision = observe::Decision::Malformed;
            return Err(without_id());
        }
        Message::Request { id, method, params } => (id.get(), method, params),
    };
    let mut case = Case { server, permit, era, id, verdict };
    match Method::of_request(method) {
        None => Err(case.unknown_method()),
        Some(Method::Open) => Ok(Handling::Pass),
        Some(Method::Initialize) => Ok(Handling::Initialize),
        Some(Method::ListTools) => Ok(Handling::ListTools),
        Some(Method::Read) => case.with_scope(Scope::Read).map(|()| Handling::Pass),
        Some(Method::Listen) => case.with_scope(Scope::Read).map(|()| Handling::Listen),
        Some(Method::CallTool) => case.call_tool(params).map(|()| Handling::CallTool),
        Some(Method::Task) => case.task(method, params).map(|()| Handling::Task),
    }
}

/// Decides about news of a task, which a modern subscription asks for.
pub(crate) fn follow(call: &Call<'_>, task: &Task) -> Result<(), Refused> {
    let (server, permit, id) = (call.server, call.permit, call.id.unwrap_or("null"));
    let mut verdict = Verdict::OPEN;
    Case { server, permit, era: Era::Modern, id, verdict: &mut verdict }.follow(task)
}

/// One request and everything that decides about it.
struct Case<'c> {
    server: &'c Server,
    permit: &'c Permit,
    era: Era,
    id: &'c str,
    verdict: &'c mut Verdict,
}

impl Case<'_> {
    fn call_tool(&mut self, params: &Params<'_>) -> Result<(), Refused> {
        let Some(tool) = params.name.as_deref() else {
            self.verdict.decision = observe::Decision::Malformed;
            return Err(self.error(StatusCode::OK, INVALID_PARAMS, "params.name must name a tool"));
        };
        let (decision, basis) = self.decide(tool);
        *self.verdict = Verdict { decision: decision.into(), basis };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Challenge(needed) => Err(self.insufficient(needed)),
            // E-15: exactly what an unknown tool gets, so that nothing tells the two apart.
            Decision::Hide => {
                let message = format!("Unknown tool: {tool}");
                Err(self.error(StatusCode::OK, INVALID_PARAMS, &message))
            }
        }
    }

    fn decide(&self, tool: &str) -> (Decision, Basis) {
        if self.server.lists.dropped().contains(tool) {
            return (Decision::Hide, Basis::List);
        }
        let policy = &self.server.policy;
        let hints = if policy.uses_hints() { self.server.lists.hints(tool) } else { None };
        policy.judge(self.permit.reach(), tool, hints)
    }

    /// 2025-11-25 has `tasks/result`, and the extension of 2026-07-28 has `tasks/update`.
    fn task(&mut self, method: &str, params: &Params<'_>) -> Result<(), Refused> {
        let foreign = match self.era {
            Era::Modern => "tasks/result",
            Era::Legacy => "tasks/update",
        };
        if method == foreign {
            return Err(self.unknown_method());
        }
        let Some(task) = self.server.tasks.named(self.permit, params) else {
            self.verdict.decision = observe::Decision::Unknown;
            return Err(self.unknown_task());
        };
        self.follow(&task)
    }

    /// E-19: the tool that began a task decides about it, by what is allowed today.
    fn follow(&mut self, task: &Task) -> Result<(), Refused> {
        let (decision, basis) = self.decide(&task.tool);
        *self.verdict = Verdict { decision: decision.into(), basis };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Challenge(needed) => Err(self.insufficient(needed)),
            Decision::Hide => Err(self.unknown_task()),
        }
    }

    fn unknown_task(&self) -> Refused {
        self.error(StatusCode::OK, INVALID_PARAMS, "Unknown task")
    }

    fn with_scope(&mut self, scope: Scope) -> Result<(), Refused> {
        let decision = policy::decide(self.permit.reach(), scope);
        self.verdict.decision = match decision {
            Decision::Hide => observe::Decision::Forbid,
            other => other.into(),
        };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Challenge(needed) => Err(self.insufficient(needed)),
            // B-16: no challenge that nobody could ever satisfy.
            Decision::Hide => {
                let message = "this account may not use this method here";
                Err(self.error(StatusCode::FORBIDDEN, INSUFFICIENT_SCOPE, message))
            }
        }
    }

    fn insufficient(&self, needed: Scopes) -> Refused {
        insufficient(self.server, self.permit, self.era, (Some(self.id), needed))
    }

    /// C-42 and D-55: 404 is for modern clients; a legacy one would think that its session died.
    fn unknown_method(&mut self) -> Refused {
        self.verdict.decision = observe::Decision::Unknown;
        let status = match self.era {
            Era::Modern => StatusCode::NOT_FOUND,
            Era::Legacy => StatusCode::OK,
        };
        self.error(status, METHOD_NOT_FOUND, "Method not found")
    }

    fn error(&self, status: StatusCode, code: i32, message: &str) -> Refused {
        Fault { status, code, message }.for_id(Some(self.id))
    }
}

/// RFC 6750 §3.1 and B-12. All scopes that the operation needs are named at once. Clients of the
/// 2025 revisions replace what they hold by what a challenge names, so it names both.
pub(crate) fn insufficient(
    server: &Server,
    permit: &Permit,
    era: Era,
    (id, needed): (Option<&str>, Scopes),
) -> Refused {
    let scope = match era {
        Era::Modern => needed,
        Era::Legacy => needed.or(permit.reach().held),
    };
    let message = format!(
        "this needs the scope {needed}; if the app does not ask you for it by itself, disconnect it, \
         connect it again and allow it"
    );
    Fault { status: StatusCode::FORBIDDEN, code: INSUFFICIENT_SCOPE, message: &message }
        .for_id(id)
        .challenging(server.challenge(scope, Some(ChallengeError::InsufficientScope)))
        .needing(needed)
}

/// A request method without an id would be carried out without an answer: nobody needs that.
fn without_id() -> Refused {
    let message = "a message without id must be a notification; requests need an id";
    Fault { status: StatusCode::BAD_REQUEST, code: INVALID_REQUEST, message }.for_id(None)
}

impl From<Decision> for observe::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Challenge(_) => Self::Challenge,
            Decision::Hide => Self::Hide,
        }
    }
}
