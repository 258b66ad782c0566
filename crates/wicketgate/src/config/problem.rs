//! What is wrong with a configuration, and what to do about it.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `mcp.server[0].upstream.url`; empty for the file as a whole.
    pub key: String,
    /// The offending value, masked if it is a secret; empty where there is none.
    pub value: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub fix: String,
}

/// All mistakes of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One mistake of the file as a whole.
    pub(super) fn of_file(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self(vec![Problem {
            key: String::new(),
            value: String::new(),
            reason: reason.into(),
            fix: fix.into(),
        }])
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}", self.key)?;
            if !self.value.is_empty() {
                write!(f, " = {}", self.value)?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}. {}", self.reason, self.fix)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "configuration: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
