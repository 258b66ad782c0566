//! What was decided about a request, and by what.

use http::StatusCode;

use crate::policy::Basis;
use crate::policy::judge::{Denial, Judgement};

/// What was decided about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    pub(crate) basis: Basis,
}

/// The kinds of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decision {
    /// Let through.
    Allow,
    /// A grant of more scope would let it through.
    Challenge,
    /// The tool does not exist for this person.
    Hide,
    /// This person may never do that here, or it comes from a page or name that may not call.
    Forbid,
    /// There is no good token.
    Unauthenticated,
    /// It is not a message that is taken.
    Malformed,
    /// There is no such method, session or path.
    Unknown,
    /// Too many, too large or too slow.
    Limited,
    /// It could not be decided or not be passed on.
    Unavailable,
    /// The client went away before there was an answer.
    Abandoned,
}

impl Verdict {
    /// The method needs nothing more.
    pub(crate) const OPEN: Self = Self { decision: Decision::Allow, basis: Basis::Method };

    /// What the judge decided.
    pub(crate) fn of(judgement: &Judgement<'_>) -> Self {
        let decision = match &judgement.outcome {
            Ok(_) => Decision::Allow,
            Err(Denial::WithoutId | Denial::NoTool) => Decision::Malformed,
            Err(Denial::UnknownMethod | Denial::UnknownTask) => Decision::Unknown,
            Err(Denial::UnknownTool(_) | Denial::HiddenTask) => Decision::Hide,
            Err(Denial::Scope(_)) => Decision::Challenge,
            Err(Denial::Account) => Decision::Forbid,
        };
        Self { decision, basis: judgement.basis }
    }

    /// What an answer of ours says that was made without a judgement.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let decision = match status.as_u16() {
            200..400 => Decision::Allow,
            401 => Decision::Unauthenticated,
            403 => Decision::Forbid,
            404 => Decision::Unknown,
            408 | 413 | 429 => Decision::Limited,
            400..499 => Decision::Malformed,
            499 => Decision::Abandoned,
            _ => Decision::Unavailable,
        };
        Self { decision, basis: Basis::None }
    }

    /// Why, where the decision says it.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        match (self.decision, self.basis) {
            (Decision::Challenge, _) => Some("insufficient_scope"),
            (Decision::Hide, Basis::List) => Some("unreadable"),
            (Decision::Hide, _) | (Decision::Forbid, Basis::Method) => Some("not_obtainable"),
            (Decision::Forbid, _) => Some("origin_or_host"),
            _ => None,
        }
    }

    pub(crate) fn allows(self) -> bool {
        self.decision == Decision::Allow
    }
}

impl Decision {
    /// The name in logs, numbers and the record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Hide => "hide",
            Self::Forbid => "forbid",
            Self::Unauthenticated => "unauthenticated",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Limited => "limited",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether somebody was kept from something, which always goes into the record.
    pub(crate) const fn denies(self) -> bool {
        matches!(self, Self::Challenge | Self::Hide | Self::Forbid)
    }
}
