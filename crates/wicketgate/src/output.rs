//! What commands print: results to standard output, everything else to standard error.

pub(crate) mod lines;

use std::fmt::Display;

/// Prints a result.
#[expect(clippy::print_stdout, reason = "this is the one place that prints results")]
pub fn result(text: impl Display) {
    println!("{text}");
}

/// Prints a note or an error for the person at the terminal.
pub fn note(text: impl Display) {
    eprintln!("{text}");
}
