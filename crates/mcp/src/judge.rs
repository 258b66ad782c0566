//! What one message may do.

use http::StatusCode;
use protocol::challenge::ChallengeError;
use protocol::jsonrpc::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Message, Params};
use protocol::mcp::{self, INSUFFICIENT_SCOPE, Method};
use protocol::{Scope, Scopes};

use crate::mirror::Era;
use crate::observe::{self, Verdict};
use crate::policy::{self, Decision};
use crate::reply::{Fault, Refused};
use crate::server::Server;
use crate::verify::Permit;

/// How a message that may pass is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The answer passes as it comes.
    Pass,
    /// The answer opens a session.
    Initialize,
    /// The answer is filtered.
    ListTools,
    /// The answer is a stream that stays.
    Listen,
}

/// Decides about one message, and says in `verdict` what it decided. Nothing but its body and the
/// permit counts.
pub(crate) fn judge(
    server: &Server,
    permit: &Permit,
    era: Era,
    message: &Message<'_>,
    verdict: &mut Verdict,
) -> Result<Way, Refused> {
    let (id, method, params) = match message {
        Message::Answer => return Ok(Way::Pass),
        Message::Notification { method, .. } if mcp::is_notification(method) => {
            return Ok(Way::Pass);
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
        Some(Method::Open) => Ok(Way::Pass),
        Some(Method::Initialize) => Ok(Way::Initialize),
        Some(Method::ListTools) => Ok(Way::ListTools),
        Some(Method::Read) => case.with_scope(Scope::Read).map(|()| Way::Pass),
        Some(Method::Listen) => case.with_scope(Scope::Read).map(|()| Way::Listen),
        Some(Method::CallTool) => case.call_tool(params).map(|()| Way::Pass),
    }
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
        let policy = &self.server.policy;
        let hints = if policy.uses_hints() { self.server.lists.hints(tool) } else { None };
        let (decision, basis) = policy.judge(self.permit.reach(), tool, hints);
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

    /// RFC 6750 §3.1 and B-12. All scopes that the operation needs are named at once. Clients of
    /// the 2025 revisions replace what they hold by what a challenge names, so it names both.
    fn insufficient(&self, needed: Scopes) -> Refused {
        let scope = match self.era {
            Era::Modern => needed,
            Era::Legacy => needed.or(self.permit.reach().held),
        };
        let message = format!("this needs the scope {needed}; authorize again with it");
        self.error(StatusCode::FORBIDDEN, INSUFFICIENT_SCOPE, &message)
            .challenging(self.server.challenge(scope, Some(ChallengeError::InsufficientScope)))
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
