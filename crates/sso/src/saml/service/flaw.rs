//! What can be wrong with a foreign document.

use crate::provider::ProviderError;

/// What is wrong, in words for the operator's log. It may quote the document only where the quoted
/// part was made harmless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Flaw(pub(super) String);

/// Ends a check with a flaw.
pub(super) fn flaw<T>(what: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw(what.into()))
}

/// Goes on only if `fine`.
pub(super) fn require(fine: bool, what: impl FnOnce() -> String) -> Result<(), Flaw> {
    if fine { Ok(()) } else { Err(Flaw(what())) }
}

/// Foreign words in an explanation: short, printable and quoted.
pub(super) fn quoted(unverified: &str) -> String {
    format!("{:?}", crate::claims::one_line(unverified, 120))
}

impl From<Flaw> for ProviderError {
    fn from(flaw: Flaw) -> Self {
        Self::Rejected(flaw.0)
    }
}
