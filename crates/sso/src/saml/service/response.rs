//! An answer: from the form value to what the provider says of the person.

use kernel::Timestamp;
use openssl::pkey::{PKey, Private};

use super::assertion::{self, Facts};
use super::certificate::Certificate;
use super::flaw::{Flaw, flaw, quoted, require};
use super::names::{ASSERTION, PROTOCOL, SIGNATURE, SUCCESS};
use super::signature::{self, NotVerified};
use super::xml::{Element, Limits, parse, root};
use super::{decrypt, time};
use crate::claims::one_line;
use crate::provider::ProviderError;

/// What an answer must fit.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) acs_url: String,
    pub(super) entity_id: String,
    pub(super) idp_entity_id: String,
    pub(super) request_id: String,
    pub(super) requested_at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) clock_skew_seconds: i64,
    pub(super) want_assertions_signed: bool,
    pub(super) force_authn: bool,
    pub(super) authn_contexts: Vec<String>,
}

/// Why an answer was not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No key of the provider's that we know has signed it. With newer metadata one might.
    UnknownKey,
    /// Anything else.
    Final(ProviderError),
}

/// Everything that SA-2 to SA-9 and SA-13 ask of an answer, in that order: shape, envelope,
/// signature, assertion.
pub(super) fn judged(
    unverified_form_value: &str,
    expected: &Expected,
    certificates: &[&Certificate],
    key: Option<&PKey<Private>>,
) -> Result<Facts, Refusal> {
    let xml = decoded(unverified_form_value)?;
    let response = parse(&xml, Limits::MESSAGE)?;
    only_one_of_everything(&response)?;
    envelope(&response, expected)?;
    status(&response)?;
    let assertion = trusted_assertion(&xml, &response, expected, certificates, key)?;
    Ok(assertion::facts(&assertion, expected)?)
}

/// Which request an answer says it answers. Only its first tag is looked at.
pub(super) fn request_answered(unverified_form_value: &str) -> Option<String> {
    let xml = decoded(unverified_form_value).ok()?;
    root(&xml).ok()?.attribute("InResponseTo").map(ToOwned::to_owned)
}

/// SAML bindings §3.5.4: base64, and we allow line breaks.
fn decoded(form_value: &str) -> Result<String, Flaw> {
    // Four characters for three bytes, and room for line breaks.
    let most = Limits::MESSAGE.bytes() * 3 / 2;
    require(form_value.len() <= most, || "the answer is too large".to_owned())?;
    let bytes = super::base64::decode(form_value)?;
    String::from_utf8(bytes).or_else(|_| flaw("the answer is not UTF-8"))
}

/// SA-3, and the answer to signature wrapping: there is one response, one assertion in it, and no
/// signature but theirs, whatever the namespace says.
fn only_one_of_everything(response: &Element) -> Result<(), Flaw> {
    require(response.is(PROTOCOL, "Response"), || "the document is not a Response".to_owned())?;
    for child in response.elements() {
        let fine = child.is(ASSERTION, "Issuer")
            || child.is(SIGNATURE, "Signature")
            || child.is(PROTOCOL, "Extensions")
            || child.is(PROTOCOL, "Status")
            || child.is(ASSERTION, "Assertion")
            || child.is(ASSERTION, "EncryptedAssertion");
        require(fine, || format!("{} does not belong in a Response", quoted(child.local_name())))?;
    }
    require(!response.has_stray_text(), || "text between the parts of a Response".to_owned())?;
    let plain = response.optional(ASSERTION, "Assertion")?;
    let encrypted = response.optional(ASSERTION, "EncryptedAssertion")?;
    let places = plain.iter().chain(&encrypted).count();
    require(places <= 1, || "more than one assertion".to_owned())?;
    let mut signatures = usize::from(response.optional(SIGNATURE, "Signature")?.is_some());
    if let Some(plain) = plain {
        signatures += usize::from(plain.optional(SIGNATURE, "Signature")?.is_some());
    }
    nothing_hidden(
        response,
        &[
            (&["Response"], 1),
            (&["Assertion", "EncryptedAssertion"], places),
            (&["Signature"], signatures),
            (&["SignedInfo"], signatures),
        ],
    )
}

/// That there are exactly as many elements with these names, at any depth and in any namespace,
/// and that no identifier is there twice (SA-2).
fn nothing_hidden(root: &Element, counts: &[(&[&str], usize)]) -> Result<(), Flaw> {
    let everything = root.everything();
    for (names, expected) in counts {
        let found = everything.iter().filter(|element| names.contains(&element.local_name()));
        require(found.count() == *expected, || {
            format!("there is a {} in an unusual place", names[0])
        })?;
    }
    let mut ids: Vec<_> = everything.iter().flat_map(|element| element.identifiers()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    require(ids.len() == all, || "an identifier is there twice".to_owned())
}

/// SA-8. If the response is signed, these are signed values: what was verified is later compared
/// with this very tree.
fn envelope(response: &Element, expected: &Expected) -> Result<(), Flaw> {
    version_and_issue_instant(response, expected)?;
    let is_signed = response.optional(SIGNATURE, "Signature")?.is_some();
    destination(response.attribute("Destination"), is_signed, expected)?;
    // SA-11: an answer that nobody asked for has none.
    let request = response.attribute("InResponseTo").unwrap_or_default();
    require(request == expected.request_id, || {
        format!("InResponseTo is {}, not the request of this sign-in", quoted(request))
    })?;
    // Profiles §4.1.4.2: needed with a signed response or an encrypted assertion.
    let needed = is_signed || response.optional(ASSERTION, "EncryptedAssertion")?.is_some();
    match response.optional(ASSERTION, "Issuer")? {
        Some(issuer) => is_the_provider(issuer, expected),
        None => require(!needed, || "the response has no Issuer".to_owned()),
    }
}

/// SAML bindings §3.5.5.2 asks for it in a signed message. In an unsigned one it proves nothing that
/// the signed assertion's `Recipient` does not say, so it may be missing; but never be another.
fn destination(named: Option<&str>, is_signed: bool, expected: &Expected) -> Result<(), Flaw> {
    let Some(named) = named else {
        return require(!is_signed, || "the signed Response has no Destination".to_owned());
    };
    require(named == expected.acs_url, || {
        format!("Destination is {}, not our ACS URL", quoted(named))
    })
}

/// The version, and that the message does not come from the future.
pub(super) fn version_and_issue_instant(
    message: &Element,
    expected: &Expected,
) -> Result<(), Flaw> {
    let name = message.local_name();
    require(message.attribute("Version") == Some("2.0"), || format!("{name} is not version 2.0"))?;
    let Some(issued) = time::attribute(message, "IssueInstant")? else {
        return flaw(format!("{name} has no IssueInstant"));
    };
    let latest = expected.now.plus_seconds(expected.clock_skew_seconds);
    require(issued <= latest, || {
        let ahead = issued.as_seconds() - expected.now.as_seconds();
        format!("the provider's clock is {ahead} s ahead of ours")
    })
}

/// Whether an `Issuer` names the provider that the metadata describe.
pub(super) fn is_the_provider(issuer: &Element, expected: &Expected) -> Result<(), Flaw> {
    let format = issuer.attribute("Format").unwrap_or(super::names::ENTITY_FORMAT);
    let name = issuer.text()?.trim();
    let fine = format == super::names::ENTITY_FORMAT && name == expected.idp_entity_id;
    require(fine, || format!("the Issuer is {}, not {}", quoted(name), expected.idp_entity_id))
}

/// SAML core §3.2.2.2. The second-level code says more, so it is the one to report.
fn status(response: &Element) -> Result<(), ProviderError> {
    let status = response.required(PROTOCOL, "Status")?;
    let top = status.required(PROTOCOL, "StatusCode")?;
    let code = top.attribute("Value").unwrap_or_default();
    if code == SUCCESS {
        return Ok(());
    }
    let second = top.optional(PROTOCOL, "StatusCode")?.and_then(|inner| inner.attribute("Value"));
    let message = status.optional(PROTOCOL, "StatusMessage")?.map(Element::text).transpose()?;
    let code = second.unwrap_or(code).rsplit(':').next().unwrap_or_default();
    Err(ProviderError::Refused {
        code: code.chars().filter(char::is_ascii_alphanumeric).take(60).collect(),
        detail: one_line(message.unwrap_or_default(), 200),
    })
}

fn trusted_assertion(
    xml: &str,
    response: &Element,
    expected: &Expected,
    certificates: &[&Certificate],
    key: Option<&PKey<Private>>,
) -> Result<Element, Refusal> {
    let response_is_signed = signature::is_signed(response)?;
    if let Some(encrypted) = response.optional(ASSERTION, "EncryptedAssertion")? {
        require(response_is_signed, || {
            "an encrypted assertion in an unsigned response; have the provider sign the \
             response as well"
                .to_owned()
        })?;
        let verified = signature::verified(xml, response, certificates)?;
        require(verified.required(ASSERTION, "EncryptedAssertion")? == encrypted, || {
            "the encrypted assertion is not the signed one".to_owned()
        })?;
        return opened(&verified, expected, certificates, key);
    }
    let assertion = response.required(ASSERTION, "Assertion")?;
    let assertion_is_signed = signature::is_signed(assertion)?;
    needs_own_signature(assertion_is_signed, expected)?;
    if response_is_signed {
        let verified = signature::verified(xml, response, certificates)?;
        return Ok(verified.required(ASSERTION, "Assertion")?.clone());
    }
    require(assertion_is_signed, || "neither the response nor the assertion is signed".to_owned())?;
    Ok(signature::verified(xml, assertion, certificates)?)
}

/// SA-13: what comes out must be one assertion, and a signature on it must hold as well.
fn opened(
    verified: &Element,
    expected: &Expected,
    certificates: &[&Certificate],
    key: Option<&PKey<Private>>,
) -> Result<Element, Refusal> {
    let Some(key) = key else {
        return Err(ProviderError::Misconfigured(
            "the provider encrypts its assertions, and there is no key here to open them"
                .to_owned(),
        )
        .into());
    };
    let xml = decrypt::decrypted(verified.required(ASSERTION, "EncryptedAssertion")?, key)?;
    let assertion = parse(&xml, Limits::MESSAGE)?;
    let is_one = assertion.is(ASSERTION, "Assertion");
    require(is_one, || "what was encrypted is not an assertion".to_owned())?;
    let signed = signature::is_signed(&assertion)?;
    nothing_hidden(
        &assertion,
        &[
            (&["Response"], 0),
            (&["Assertion", "EncryptedAssertion"], 1),
            (&["Signature"], usize::from(signed)),
            (&["SignedInfo"], usize::from(signed)),
        ],
    )?;
    needs_own_signature(signed, expected)?;
    if signed {
        return Ok(signature::verified(&xml, &assertion, certificates)?);
    }
    Ok(assertion)
}

fn needs_own_signature(signed: bool, expected: &Expected) -> Result<(), Flaw> {
    require(signed || !expected.want_assertions_signed, || {
        "the assertion itself is not signed, as want_assertions_signed asks for".to_owned()
    })
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        Self::Final(flaw.into())
    }
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        Self::Final(error)
    }
}

impl From<NotVerified> for Refusal {
    fn from(error: NotVerified) -> Self {
        match error {
            NotVerified::NoKeyFits => Self::UnknownKey,
            NotVerified::Flawed(flaw) => flaw.into(),
        }
    }
}
