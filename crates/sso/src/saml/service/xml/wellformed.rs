//! The rules of XML 1.0 and of namespaces that the event reader does not check.

use super::super::flaw::{Flaw, flaw, require};

/// XML 1.0 §2.2: the characters that may be in a document at all.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A name as SAML uses them: ASCII, at most one colon, and that between two proper names. XML
/// allows more; a parser that does not agree on where a name ends is how signatures get wrapped.
pub(super) fn name(unverified: &str) -> Result<(), Flaw> {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let fine = match unverified.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(unverified),
    };
    require(fine && unverified.len() <= 200, || "a name is not one that SAML uses".to_owned())
}

/// The attributes of a tag, as they stand: each after white space, quoted, without `<`.
pub(super) fn attributes(raw: &str) -> Result<(), Flaw> {
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if trimmed.is_empty() {
            return Ok(());
        }
        require(trimmed.len() < rest.len(), || "two attributes without space between".to_owned())?;
        let Some((key, after)) = trimmed.split_once('=') else {
            return flaw("an attribute without a value");
        };
        name(key.trim_end_matches([' ', '\t', '\r', '\n']))?;
        let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
        let quote = if after.starts_with('\'') { '\'' } else { '"' };
        let value = after.strip_prefix(quote).and_then(|value| value.split_once(quote));
        let Some((value, next)) = value else {
            return flaw("an attribute value without quotes");
        };
        require(!value.contains('<'), || "a < in an attribute value".to_owned())?;
        rest = next;
    }
}

/// Namespaces in XML §2.2: absolute, and only the default one may be switched off. Canonical XML
/// fails on relative ones, and some libraries then sign nothing at all (SA-5).
pub(super) fn namespace(key: &str, value: &str) -> Result<(), Flaw> {
    if value.is_empty() {
        return require(key == "xmlns", || "a prefix without a namespace".to_owned());
    }
    let scheme = value.split_once(':').map(|(scheme, _)| scheme);
    let absolute = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    let printable = value.bytes().all(|b| b.is_ascii_graphic() && b != b'&');
    require(absolute && printable, || "a namespace that is not an absolute URI".to_owned())
}

/// The text with XML's line ends (XML 1.0 §2.11).
pub(super) fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
