//! Many results, one a line, to somebody who may have read enough.

use std::io::{self, BufWriter, Stdout, Write as _};

use anyhow::Context as _;

/// Standard output for as many lines as there are.
pub(crate) struct Records(BufWriter<Stdout>);

impl Records {
    pub(crate) fn to_stdout() -> Self {
        Self(BufWriter::new(io::stdout()))
    }

    /// Writes a line; `false` where nobody reads any more.
    pub(crate) fn write(&mut self, line: &str) -> anyhow::Result<bool> {
        taken(writeln!(self.0, "{line}"))
    }

    /// Lets the reader have what was written so far; `false` where nobody reads any more.
    pub(crate) fn flush(&mut self) -> anyhow::Result<bool> {
        taken(self.0.flush())
    }
}

/// A disk that is full is a failure: whoever exports must not take half of it for all.
fn taken(outcome: io::Result<()>) -> anyhow::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("standard output takes nothing"),
    }
}
