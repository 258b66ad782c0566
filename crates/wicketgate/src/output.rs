//! What commands print: results to standard output, everything else to standard error.

pub(crate) mod access;
pub(crate) mod lines;
pub(crate) mod records;

use std::fmt::Display;
use std::io::{self, Write as _};

/// Prints a result. Whoever reads only the beginning of it, as `head` does, has enough.
pub fn result(text: impl Display) {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(format!("wicketgate: standard output takes nothing: {error}"));
        }
        _ => {}
    }
}

/// Prints a note or an error for the person at the terminal, if there is one.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
