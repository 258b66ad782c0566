//! Hostile answers, by row of the test catalogue (T-SAML-00 to T-SAML-25).
//!
//! Each names a part of the reason for which it must be refused: an answer that is refused for
//! another reason tests nothing.

mod contents;
mod documents;
mod encryption;
mod signatures;
mod wrapping;

use super::idp::Sign;
use super::lab::signed;

pub(crate) struct Case {
    pub(crate) row: &'static str,
    pub(crate) name: &'static str,
    pub(crate) xml: String,
    /// A part of our reason.
    pub(crate) because: &'static str,
}

pub(crate) fn corpus() -> Vec<Case> {
    let parts =
        [wrapping::all(), signatures::all(), documents::all(), contents::all(), encryption::all()];
    parts.into_iter().flatten().collect()
}

fn case(row: &'static str, name: &'static str, because: &'static str, xml: String) -> Case {
    Case { row, name, xml, because }
}

/// A change that the provider made itself, once with each signature.
fn changed(
    all: &mut Vec<Case>,
    row: &'static str,
    name: &'static str,
    because: &'static str,
    edit: impl Fn(String) -> String + Copy,
) {
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        all.push(case(row, name, because, signed(sign, edit)));
    }
}
