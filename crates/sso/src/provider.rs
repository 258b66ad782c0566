//! What every company provider has in common: how a sign-in starts, how it ends, how it fails.

use kernel::{Redacted, Timestamp};
use protocol::Identity;

/// Where the browser goes to prove who the person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// A redirect to this URL.
    Redirect(String),
    /// A page that posts these fields to this URL (SAML's POST binding).
    Post {
        /// The provider's endpoint.
        url: String,
        /// Names and values of hidden fields.
        fields: Vec<(&'static str, String)>,
    },
}

/// A person whom a provider vouches for.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub identity: Identity,
    /// The provider's own session, for logout.
    pub upstream: UpstreamSession,
}

/// The session that a person has at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamSession {
    /// The provider's name for it: `sid`, or SAML's `SessionIndex`.
    pub id: Option<String>,
    /// What the provider wants back when the person signs out: the ID token. It is personal data
    /// and must be sealed where it is kept.
    pub logout_hint: Option<String>,
    /// When the provider wants sessions to end at the latest (`SessionNotOnOrAfter`).
    pub ends_at: Option<Timestamp>,
    /// What the provider can be asked about the person again with, if it is to be. It is a secret
    /// of ours with the provider and must be sealed where it is kept.
    pub refresh_token: Option<Redacted>,
}

/// Why a sign-in at a provider came to nothing.
///
/// The display text is for the operator's log: precise, and without secrets. People get a fixed
/// sentence for each kind, never the provider's own words (UP-7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider is down, slow, answers 5xx, or cannot be reached safely. Trying again helps.
    #[error("the provider cannot be reached: {0}")]
    Unavailable(String),
    /// The provider did not let the person in, with this error code (RFC 6749 §4.1.2.1), cleaned
    /// to letters, digits and underscores.
    #[error("the provider answered {code}: {detail}")]
    Refused {
        /// The code.
        code: String,
        /// The provider's explanation, cleaned to one line of printable text.
        detail: String,
    },
    /// The answer is not one to believe: a signature, an audience, a time, a nonce is wrong.
    #[error("the provider's answer was rejected: {0}")]
    Rejected(String),
    /// The answer is genuine, but a claim that is needed is missing or too large.
    #[error("something is missing from the provider's answer: {0}")]
    Incomplete(String),
    /// The configuration, here or at the provider, cannot work.
    #[error("the provider is not set up correctly: {0}")]
    Misconfigured(String),
}

/// One thing that `doctor` looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What was looked at and what was found, in one line.
    pub what: String,
    /// What to do about it; empty for a pass.
    pub fix: String,
}

/// How a thing is that `doctor` looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good.
    Pass,
    /// It works, but will not always, or not as well as it could.
    Warning,
    /// Sign-in cannot work like this.
    Failure,
}

impl ProviderError {
    /// What a provider refused, from its own words (RFC 6749 §4.1.2.1, §5.2), cleaned.
    pub fn refused(unverified_code: &str, unverified_detail: &str) -> Self {
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let code: String = unverified_code.chars().filter(plain).take(64).collect();
        Self::Refused {
            code: if code.is_empty() { "an_error".to_owned() } else { code },
            detail: crate::claims::one_line(unverified_detail, 300),
        }
    }
}

impl Finding {
    /// Something that is as it should be.
    pub fn pass(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, what: what.into(), fix: String::new() }
    }

    /// Something to think about.
    pub fn warning(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, what: what.into(), fix: fix.into() }
    }

    /// Something to mend.
    pub fn failure(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failure, what: what.into(), fix: fix.into() }
    }
}
