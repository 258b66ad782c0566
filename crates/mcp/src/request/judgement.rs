//! Asking the judge about a message, and what a client is told of a denial: one row for each, per
//! era.

use bytes::Bytes;
use http::StatusCode;
use protocol::challenge::ChallengeError;
use protocol::jsonrpc::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Message};
use protocol::mcp::INSUFFICIENT_SCOPE;
use protocol::{Scopes, UserType};
use serde_json::value::RawValue;
use upstream::wire::Era;

use crate::access::Permit;
use crate::observe::{RequestRecord, Verdict};
use crate::policy::judge::{Denial, Judge, JudgedRequest};
use crate::reply::failure::Failure;
use crate::reply::{Fault, Refused};
use crate::request::Endpoint;
use crate::tools::Tools;

impl Endpoint {
    /// The judge of this person's messages.
    pub(crate) fn judge<'j>(&'j self, permit: &'j Permit, era: Era) -> Judge<'j, Tools> {
        Judge { policy: &self.policy, tools: &self.tools, permit, era }
    }

    /// Has a message judged, and puts on record what was decided. What comes back is what is sent, on
    /// every way and in batches. It holds the bytes and what was read in them: whoever comes to change
    /// arguments here changes both.
    pub(crate) fn judged<'m>(
        &self,
        (permit, record): (&Permit, &RequestRecord),
        era: Era,
        message: &'m Message<'m>,
        body: Bytes,
    ) -> Result<JudgedRequest<'m>, Refused> {
        let judgement = self.judge(permit, era).judge(message, body);
        record.judged(message, era, Verdict::of(&judgement));
        let id = message.id().map(RawValue::get);
        judgement.outcome.map_err(|denial| self.denied(&denial, permit, era, id))
    }

    /// The answer to the request with this id.
    pub(crate) fn denied(
        &self,
        denial: &Denial,
        permit: &Permit,
        era: Era,
        id: Option<&str>,
    ) -> Refused {
        let row = |status, code, message: &str| Fault { status, code, message }.for_id(id);
        match denial {
            Denial::WithoutId => {
                let message = "a message without id must be a notification; requests need an id";
                row(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
            }
            Denial::NoTool => row(StatusCode::OK, INVALID_PARAMS, "params.name must name a tool"),
            // C-42 and D-55: 404 is for modern clients; a legacy one would think that its session died.
            Denial::UnknownMethod => match era {
                Era::Modern => row(StatusCode::NOT_FOUND, METHOD_NOT_FOUND, "Method not found"),
                Era::Legacy => Failure::UnknownMethod.refused(id),
            },
            // E-15: exactly what an unknown tool gets, so that nothing tells the two apart.
            Denial::UnknownTool(tool) => {
                row(StatusCode::OK, INVALID_PARAMS, &format!("Unknown tool: {tool}"))
            }
            Denial::UnknownTask | Denial::HiddenTask => {
                row(StatusCode::OK, INVALID_PARAMS, "Unknown task")
            }
            Denial::Scope(needed) => self.insufficient(permit, era, id, *needed),
            // B-16: no challenge that nobody could ever satisfy.
            Denial::Account => {
                let message = "this account may not use this method here";
                row(StatusCode::FORBIDDEN, INSUFFICIENT_SCOPE, message)
            }
        }
    }

    /// RFC 6750 §3.1 and B-12. All scopes that the operation needs are named at once. Clients of the
    /// 2025 revisions replace what they hold by what a challenge names, so it names both.
    pub(crate) fn insufficient(
        &self,
        permit: &Permit,
        era: Era,
        id: Option<&str>,
        needed: Scopes,
    ) -> Refused {
        let scope = match era {
            Era::Modern => needed,
            Era::Legacy => needed.or(permit.reach().held),
        };
        let message = advice(permit, needed);
        Fault { status: StatusCode::FORBIDDEN, code: INSUFFICIENT_SCOPE, message: &message }
            .for_id(id)
            .challenging(self.challenge(scope, Some(ChallengeError::InsufficientScope)))
            .needing(needed)
    }
}

/// What to do about a scope that is missing. A program that acts for itself can ask nobody: its log
/// gets what the operator needs to know (F-25).
fn advice(permit: &Permit, needed: Scopes) -> String {
    if permit.user_type() == UserType::Workload {
        let held = permit.reach().held;
        return format!(
            "this needs the scope {needed}, and the token holds {held}; the operator assigns scopes \
             to this client in its [[oauth.client]]"
        );
    }
    format!(
        "this needs the scope {needed}; if the app does not ask you for it by itself, disconnect it, \
         connect it again and allow it"
    )
}
