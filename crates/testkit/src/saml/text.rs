//! Looking at documents and changing them, as text.

use chrono::{DateTime, SecondsFormat};

/// The text with `from` replaced; it must be there.
pub fn swap(xml: &str, from: &str, to: &str) -> String {
    assert!(xml.contains(from), "not in the document: {from}");
    xml.replacen(from, to, 1)
}

/// From the first start of an assertion to the last end of one.
pub fn assertion_of(xml: &str) -> &str {
    const END: &str = "</saml:Assertion>";
    &xml[xml.find("<saml:Assertion").unwrap()..xml.rfind(END).unwrap() + END.len()]
}

/// The first signature.
pub fn signature_of(xml: &str) -> &str {
    const END: &str = "</ds:Signature>";
    let start = xml.find("<ds:Signature ").unwrap();
    &xml[start..start + xml[start..].find(END).unwrap() + END.len()]
}

/// The value of the first attribute with this name.
pub fn attribute<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

/// A moment as SAML writes it.
pub fn moment(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339_opts(SecondsFormat::Secs, true)
}
