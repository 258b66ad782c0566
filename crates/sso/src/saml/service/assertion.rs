//! A trusted assertion: whether it is about this sign-in, and what it says (SA-9).

use std::collections::BTreeMap;

use kernel::Timestamp;

use super::flaw::{Flaw, flaw, quoted, require};
use super::names::{ASSERTION, BEARER, UNSPECIFIED_FORMAT};
use super::response::{Expected, is_the_provider, version_and_issue_instant};
use super::time;
use super::xml::Element;

/// Attributes of one assertion; each may have thousands of values.
const MAX_ATTRIBUTES: usize = 500;

/// What a provider says of a person, from verified bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The assertion's `ID`.
    pub(super) id: String,
    /// The subject's name, unless it has none or it is encrypted.
    pub(super) name_id: Option<NameId>,
    /// All attributes, each under its `Name`, and under its `FriendlyName` where no other has that
    /// for its `Name`.
    pub(super) attributes: BTreeMap<String, Vec<String>>,
    /// The provider's name for its session.
    pub(super) session_index: Option<String>,
    /// When the provider wants sessions to end at the latest.
    pub(super) ends_at: Option<Timestamp>,
    /// From when on this assertion would be refused as too old.
    pub(super) expires_at: Timestamp,
}

/// A name with everything that belongs to it (SA-16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameId {
    pub(super) format: String,
    pub(super) value: String,
    pub(super) qualifier: Option<String>,
    pub(super) sp_qualifier: Option<String>,
}

/// Checks the assertion and reads it.
pub(super) fn facts(assertion: &Element, expected: &Expected) -> Result<Facts, Flaw> {
    let id = assertion.attribute("ID").unwrap_or_default();
    require(!id.is_empty(), || "the assertion has no ID".to_owned())?;
    version_and_issue_instant(assertion, expected)?;
    is_the_provider(assertion.required(ASSERTION, "Issuer")?, expected)?;
    let subject = assertion.required(ASSERTION, "Subject")?;
    let confirmed_until = confirmation(subject, expected)?;
    let valid_until = conditions(assertion.required(ASSERTION, "Conditions")?, expected)?;
    let session = session(assertion, expected)?;
    let name_id = subject.optional(ASSERTION, "NameID")?.map(name_id).transpose()?;
    let latest = valid_until.max(confirmed_until);
    Ok(Facts {
        id: id.to_owned(),
        name_id,
        attributes: attributes(assertion)?,
        session_index: session.index,
        ends_at: session.ends_at,
        expires_at: latest.plus_seconds(expected.clock_skew_seconds),
    })
}

/// Profiles §4.1.4.2: at least one bearer confirmation that fits in everything. Others, such as
/// holder-of-key, prove nothing to us and are passed over.
fn confirmation(subject: &Element, expected: &Expected) -> Result<Timestamp, Flaw> {
    let mut problem = Flaw("the subject has no bearer confirmation".to_owned());
    for confirmation in subject.all(ASSERTION, "SubjectConfirmation") {
        if confirmation.attribute("Method") == Some(BEARER) {
            match bearer(confirmation, expected) {
                Ok(until) => return Ok(until),
                Err(flaw) => problem = flaw,
            }
        }
    }
    Err(problem)
}

fn bearer(confirmation: &Element, expected: &Expected) -> Result<Timestamp, Flaw> {
    let data = confirmation.required(ASSERTION, "SubjectConfirmationData")?;
    let recipient = data.attribute("Recipient").unwrap_or_default();
    require(recipient == expected.acs_url, || {
        format!("Recipient is {}, not our ACS URL", quoted(recipient))
    })?;
    let request = data.attribute("InResponseTo").unwrap_or_default();
    require(request == expected.request_id, || {
        format!("the assertion answers {}, not the request of this sign-in", quoted(request))
    })?;
    require(data.attribute("NotBefore").is_none(), || {
        "a bearer confirmation must not have NotBefore".to_owned()
    })?;
    let Some(until) = time::attribute(data, "NotOnOrAfter")? else {
        return flaw("the bearer confirmation does not say until when it is good");
    };
    not_over(until, expected)?;
    Ok(until)
}

/// SAML core §2.5.1: all conditions must hold, and one that we do not know cannot be said to hold.
fn conditions(conditions: &Element, expected: &Expected) -> Result<Timestamp, Flaw> {
    if let Some(from) = time::attribute(conditions, "NotBefore")? {
        let latest = expected.now.plus_seconds(expected.clock_skew_seconds);
        require(from <= latest, || {
            format!(
                "the assertion is not valid for another {} s; compare the clocks",
                from.as_seconds() - latest.as_seconds()
            )
        })?;
    }
    // An end is optional in SAML; here it is not, so that no assertion is good for ever (SA-9).
    let Some(until) = time::attribute(conditions, "NotOnOrAfter")? else {
        return flaw("the conditions do not say until when the assertion is good");
    };
    not_over(until, expected)?;
    let mut restrictions = 0;
    for condition in conditions.elements() {
        match condition.local_name() {
            "AudienceRestriction" if condition.is(ASSERTION, "AudienceRestriction") => {
                audience(condition, expected)?;
                restrictions += 1;
            }
            // Every assertion is good for one use here; and we pass none on.
            "OneTimeUse" if condition.is(ASSERTION, "OneTimeUse") => {}
            "ProxyRestriction" if condition.is(ASSERTION, "ProxyRestriction") => {}
            other => return flaw(format!("the condition {} is not known", quoted(other))),
        }
    }
    require(restrictions > 0, || "the assertion does not say for whom it is".to_owned())?;
    Ok(until)
}

/// SAML core §2.5.1.4: within one restriction any audience will do, but every restriction counts.
fn audience(restriction: &Element, expected: &Expected) -> Result<(), Flaw> {
    let mut audiences = restriction.all(ASSERTION, "Audience");
    let ours = audiences.any(|one| one.text().is_ok_and(|text| text.trim() == expected.entity_id));
    require(ours, || format!("the Audience is not {}", expected.entity_id))
}

struct Session {
    index: Option<String>,
    ends_at: Option<Timestamp>,
}

/// At least one `AuthnStatement`. What we asked for with `ForceAuthn` and `RequestedAuthnContext`
/// is looked for in it, because a browser can take both out of an unsigned request.
fn session(assertion: &Element, expected: &Expected) -> Result<Session, Flaw> {
    let statements: Vec<_> = assertion.all(ASSERTION, "AuthnStatement").collect();
    require(!statements.is_empty(), || "the assertion has no AuthnStatement".to_owned())?;
    let mut session = Session { index: None, ends_at: None };
    let mut way_fits = expected.authn_contexts.is_empty();
    for statement in statements {
        fresh(statement, expected)?;
        if let Some(end) = time::attribute(statement, "SessionNotOnOrAfter")? {
            not_over(end, expected)?;
            session.ends_at = Some(session.ends_at.map_or(end, |earlier| earlier.min(end)));
        }
        let index = statement.attribute("SessionIndex").map(str::to_owned);
        session.index = session.index.or(index);
        way_fits |= way_of_signing_in(statement)?
            .is_some_and(|way| expected.authn_contexts.iter().any(|wanted| wanted == way));
    }
    require(way_fits, || {
        "the person did not sign in in one of the ways that authn_contexts asks for".to_owned()
    })?;
    Ok(session)
}

fn fresh(statement: &Element, expected: &Expected) -> Result<(), Flaw> {
    let Some(signed_in) = time::attribute(statement, "AuthnInstant")? else {
        return flaw("an AuthnStatement has no AuthnInstant");
    };
    let earliest = expected.requested_at.plus_seconds(-expected.clock_skew_seconds);
    require(!expected.force_authn || signed_in >= earliest, || {
        "the person did not sign in anew, as force_authn asks for".to_owned()
    })
}

fn way_of_signing_in(statement: &Element) -> Result<Option<&str>, Flaw> {
    let Some(context) = statement.optional(ASSERTION, "AuthnContext")? else {
        return Ok(None);
    };
    let class = context.optional(ASSERTION, "AuthnContextClassRef")?;
    Ok(class.map(Element::text).transpose()?.map(str::trim))
}

fn name_id(element: &Element) -> Result<NameId, Flaw> {
    let qualifier = |name| element.attribute(name).map(str::to_owned);
    Ok(NameId {
        format: element.attribute("Format").unwrap_or(UNSPECIFIED_FORMAT).to_owned(),
        value: without_white_space(element.text()?),
        qualifier: qualifier("NameQualifier"),
        sp_qualifier: qualifier("SPNameQualifier"),
    })
}

/// A `Name` counts before a `FriendlyName`, which identifies nothing by itself (SAML 2.0 core
/// §2.7.3.1). Values that are elements themselves are left out. A name that is there several times has all
/// the values; where one is needed, several are refused later.
fn attributes(assertion: &Element) -> Result<BTreeMap<String, Vec<String>>, Flaw> {
    let statements = assertion.all(ASSERTION, "AttributeStatement");
    let attributes: Vec<_> =
        statements.flat_map(|statement| statement.all(ASSERTION, "Attribute")).collect();
    require(attributes.len() <= MAX_ATTRIBUTES, || {
        format!("the assertion has more than {MAX_ATTRIBUTES} attributes")
    })?;
    let named_by = |kind: &str| {
        let mut all = BTreeMap::<String, Vec<String>>::new();
        for attribute in &attributes {
            let Some(name) = attribute.attribute(kind) else { continue };
            let values = attribute.all(ASSERTION, "AttributeValue");
            let texts = values.filter_map(|value| value.text().ok()).map(without_white_space);
            all.entry(name.to_owned()).or_default().extend(texts);
        }
        all
    };
    // What the friendly name of one attribute says must not add to another's values.
    let mut all = named_by("FriendlyName");
    all.extend(named_by("Name"));
    Ok(all)
}

/// Providers that lay out their XML for reading put it around values (XML 1.0 §2.3); nothing else
/// is white space here.
fn without_white_space(text: &str) -> String {
    text.trim_matches([' ', '\t', '\r', '\n']).to_owned()
}

fn not_over(until: Timestamp, expected: &Expected) -> Result<(), Flaw> {
    let over = until.plus_seconds(expected.clock_skew_seconds) <= expected.now;
    require(!over, || {
        format!("it was good until {} s ago", expected.now.as_seconds() - until.as_seconds())
    })
}
