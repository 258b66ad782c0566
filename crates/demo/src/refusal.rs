//! Why the application says no.

use rmcp::model::{ContentBlock, IntoContents};

/// The application's own last word. It reaches the client as a tool result with `isError`, so the
/// model and the person read it and know what to do next; it is no protocol error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The thing does not exist.
    #[error("there is no {noun} {id}; {hint}")]
    NotFound { noun: &'static str, id: String, hint: &'static str },
    /// The caller is not the one who may do this.
    #[error("not permitted: {0}")]
    NotPermitted(String),
    /// The thing is in a state in which this cannot be done.
    #[error("not possible now: {0}")]
    WrongState(String),
    /// An argument makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// This demonstration keeps everything in memory and has had enough.
    #[error("the demo holds as many {0}s as it may; restart it to start afresh")]
    Full(&'static str),
    /// The client withdrew the call.
    #[error("cancelled by the client; nothing was produced")]
    Cancelled,
}

impl IntoContents for Refusal {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(self.to_string())]
    }
}
