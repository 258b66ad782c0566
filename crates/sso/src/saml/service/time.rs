//! Moments as SAML writes them.

use chrono::{DateTime, SecondsFormat};
use kernel::Timestamp;

use super::flaw::{Flaw, quoted};
use super::xml::Element;

/// The moment in this attribute, if it is there (SAML core §1.3.3: in UTC, without an offset).
pub(super) fn attribute(element: &Element, name: &str) -> Result<Option<Timestamp>, Flaw> {
    element.attribute(name).map(parse).transpose()
}

fn parse(unverified: &str) -> Result<Timestamp, Flaw> {
    let moment = DateTime::parse_from_rfc3339(unverified).ok();
    let moment = moment.filter(|_| unverified.ends_with('Z'));
    let wrong = || Flaw(format!("{} is not a moment in UTC", quoted(unverified)));
    Ok(Timestamp::from_millis(moment.ok_or_else(wrong)?.timestamp_millis()))
}

/// A moment in SAML's form, to the second.
pub(super) fn format(moment: Timestamp) -> String {
    let moment = DateTime::from_timestamp_millis(moment.as_millis()).unwrap_or_default();
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
