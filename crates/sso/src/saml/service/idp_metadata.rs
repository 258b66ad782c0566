//! What a provider says of itself: its name, its keys, its endpoints.

use kernel::Timestamp;
use url::Url;

use super::certificate::Certificate;
use super::flaw::{Flaw, flaw, quoted, require};
use super::names::{METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING, SIGNATURE};
use super::signature::{self, NotVerified};
use super::time;
use super::xml::{Element, Limits, parse};
use crate::endpoint::is_safe;
use crate::saml::RequestBinding;

/// A provider's metadata, as far as we need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdpMetadata {
    /// The provider's name.
    pub(super) entity_id: String,
    /// The certificates whose keys may sign; at least one.
    pub(super) certificates: Vec<Certificate>,
    /// What is wrong with the signing certificates that could not be used.
    pub(super) skipped: Vec<String>,
    /// The kinds of names that it says it can give; none if it does not say.
    pub(super) name_id_formats: Vec<String>,
    /// Whether the provider says that it wants requests to be signed.
    pub(super) want_requests_signed: bool,
    /// Whether the document itself is signed with SHA-1, as answers then probably are.
    pub(super) is_signed_with_sha1: bool,
    /// Until when the document says that it counts.
    pub(super) valid_until: Option<Timestamp>,
    redirect_url: Option<String>,
    post_url: Option<String>,
}

impl IdpMetadata {
    /// Reads a document; checks its signature first, if there is a certificate for it. It may
    /// describe several providers, if `entity_id` says which one is meant.
    ///
    /// # Errors
    ///
    /// What is wrong, for the operator. A provider without a signing certificate is an error:
    /// without one nothing could be checked.
    pub(super) fn read(
        xml: &str,
        entity_id: Option<&str>,
        pin: Option<&Certificate>,
    ) -> Result<Self, Flaw> {
        // Some servers send a byte order mark, which is no part of the document.
        let xml = xml.strip_prefix('\u{feff}').unwrap_or(xml);
        let mut document = parse(xml, Limits::METADATA)?;
        if let Some(pin) = pin {
            require(signature::is_signed(&document)?, || {
                "it is not signed, and a certificate for its signature is configured".to_owned()
            })?;
            document = signature::verified(xml, &document, &[pin]).map_err(not_pinned)?;
        }
        let is_signed_with_sha1 = is_signed_with_sha1(&document);
        let entity = entity(&document, entity_id)?;
        let valid_until = earliest(time::attribute(&document, "validUntil")?, entity)?;
        Ok(Self { is_signed_with_sha1, ..provider(entity, valid_until)? })
    }

    /// Where requests go with this binding.
    pub(super) fn sso_url(&self, binding: RequestBinding) -> Option<&str> {
        match binding {
            RequestBinding::Redirect => self.redirect_url.as_deref(),
            RequestBinding::Post => self.post_url.as_deref(),
        }
    }

    /// The certificates that count now; all of them if their days do not matter.
    pub(super) fn usable(&self, now: Timestamp, allow_expired: bool) -> Vec<&Certificate> {
        let fits = |certificate: &&Certificate| allow_expired || certificate.is_current(now);
        self.certificates.iter().filter(fits).collect()
    }

    /// Whether the document itself counts now.
    pub(super) fn is_current(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }

    /// Everything that must be right before anybody is sent there.
    pub(super) fn is_fit(
        &self,
        binding: RequestBinding,
        now: Timestamp,
        allow_expired: bool,
    ) -> Result<(), Flaw> {
        require(self.sso_url(binding).is_some(), || {
            let (one, other) = match binding {
                RequestBinding::Redirect => ("HTTP-Redirect", "post"),
                RequestBinding::Post => ("HTTP-POST", "redirect"),
            };
            format!("it has no SingleSignOnService for {one}; try request_binding = \"{other}\"")
        })?;
        require(!self.usable(now, allow_expired).is_empty(), || {
            "all its signing certificates are expired or not valid yet; get new metadata, or set \
             allow_expired_certificates"
                .to_owned()
        })?;
        require(allow_expired || self.is_current(now), || {
            "its validUntil is over; get new metadata, or set allow_expired_certificates".to_owned()
        })
    }
}

fn not_pinned(error: NotVerified) -> Flaw {
    match error {
        NotVerified::NoKeyFits => Flaw("its signature is not from the configured one".to_owned()),
        NotVerified::Flawed(flaw) => flaw,
    }
}

/// It is only a hint: nobody asked for a signature, so it was not checked.
fn is_signed_with_sha1(document: &Element) -> bool {
    let methods = document.all(SIGNATURE, "Signature").flat_map(Element::everything);
    let mut methods = methods.filter(|one| one.is(SIGNATURE, "SignatureMethod"));
    methods.any(|one| signature::is_sha1(one.attribute("Algorithm").unwrap_or_default()))
}

/// The provider with this name, or the only one.
fn entity<'a>(document: &'a Element, entity_id: Option<&str>) -> Result<&'a Element, Flaw> {
    let is_root = |name| document.is(METADATA, name);
    require(is_root("EntityDescriptor") || is_root("EntitiesDescriptor"), || {
        "it is not an EntityDescriptor".to_owned()
    })?;
    let all = document.everything();
    let providers: Vec<_> = all
        .into_iter()
        .filter(|element| element.is(METADATA, "EntityDescriptor") && descriptor(element).is_some())
        .collect();
    match (providers.as_slice(), entity_id) {
        ([], _) => flaw("it describes no SAML 2.0 identity provider (IDPSSODescriptor)"),
        ([only], None) => Ok(only),
        (several, None) => flaw(format!(
            "it describes {} providers; say with idp_entity_id which one is meant",
            several.len()
        )),
        (several, Some(wanted)) => named(several, wanted),
    }
}

fn named<'a>(providers: &[&'a Element], wanted: &str) -> Result<&'a Element, Flaw> {
    let is_it = |element: &&&Element| element.attribute("entityID") == Some(wanted);
    let found: Vec<_> = providers.iter().filter(is_it).collect();
    match (found.as_slice(), providers) {
        ([only], _) => Ok(only),
        ([], [other]) => {
            let other = other.attribute("entityID").unwrap_or_default();
            flaw(format!("its entityID is {}, not {}", quoted(other), quoted(wanted)))
        }
        ([], _) => flaw(format!("none of its providers is {}", quoted(wanted))),
        _ => flaw(format!("it describes {} twice", quoted(wanted))),
    }
}

fn descriptor(entity: &Element) -> Option<&Element> {
    entity.all(METADATA, "IDPSSODescriptor").find(|descriptor| {
        let protocols = descriptor.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    })
}

fn earliest(outer: Option<Timestamp>, entity: &Element) -> Result<Option<Timestamp>, Flaw> {
    let inner = time::attribute(entity, "validUntil")?;
    let own = match descriptor(entity) {
        Some(descriptor) => time::attribute(descriptor, "validUntil")?,
        None => None,
    };
    Ok([outer, inner, own].into_iter().flatten().min())
}

fn provider(entity: &Element, valid_until: Option<Timestamp>) -> Result<IdpMetadata, Flaw> {
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    require(!entity_id.is_empty() && entity_id.len() <= 1024, || "it has no entityID".to_owned())?;
    let Some(descriptor) = descriptor(entity) else {
        return flaw("it describes no SAML 2.0 identity provider (IDPSSODescriptor)");
    };
    let Signing { certificates, skipped } = signing_certificates(descriptor);
    require(!certificates.is_empty(), || match skipped.as_slice() {
        [] => "it has no signing certificate (KeyDescriptor with an X509Certificate)".to_owned(),
        skipped => format!("it has no signing certificate of use: {}", skipped.join("; ")),
    })?;
    let wants = descriptor.attribute("WantAuthnRequestsSigned");
    Ok(IdpMetadata {
        entity_id: entity_id.to_owned(),
        certificates,
        skipped,
        name_id_formats: name_id_formats(descriptor),
        want_requests_signed: matches!(wants, Some("true" | "1")),
        is_signed_with_sha1: false,
        valid_until,
        redirect_url: endpoint(descriptor, REDIRECT_BINDING)?,
        post_url: endpoint(descriptor, POST_BINDING)?,
    })
}

/// The certificates for signatures, and what is wrong with those that are of no use.
#[derive(Default)]
struct Signing {
    certificates: Vec<Certificate>,
    skipped: Vec<String>,
}

/// SAML metadata §2.4.1.1: a key without a use is for everything. One certificate that cannot be
/// used takes nothing from the others.
fn signing_certificates(descriptor: &Element) -> Signing {
    let mut found = Signing::default();
    let for_signatures =
        |key: &&Element| matches!(key.attribute("use"), None | Some("" | "signing"));
    let keys = descriptor.all(METADATA, "KeyDescriptor").filter(for_signatures);
    for (index, key) in keys.enumerate() {
        for certificate in certificates_of(key) {
            match certificate {
                Ok(known) if found.certificates.contains(&known) => {}
                Ok(new) => found.certificates.push(new),
                Err(flaw) => found.skipped.push(format!("signing key no. {}: {flaw}", index + 1)),
            }
        }
    }
    found
}

/// In each `X509Data` the first is the key's own; further ones would be those of its issuers.
fn certificates_of(key: &Element) -> Vec<Result<Certificate, Flaw>> {
    let own = |data: &Element| {
        let first = data.all(SIGNATURE, "X509Certificate").next()?;
        Some(first.text().and_then(Certificate::from_base64))
    };
    match key.required(SIGNATURE, "KeyInfo") {
        Ok(info) => info.all(SIGNATURE, "X509Data").filter_map(own).collect(),
        Err(flaw) => vec![Err(flaw)],
    }
}

fn name_id_formats(descriptor: &Element) -> Vec<String> {
    let formats = descriptor.all(METADATA, "NameIDFormat").filter_map(|one| one.text().ok());
    formats.map(|format| format.trim().to_owned()).collect()
}

/// The first endpoint with this binding. People are sent there, so it must be a safe place.
fn endpoint(descriptor: &Element, binding: &str) -> Result<Option<String>, Flaw> {
    let mut services = descriptor.all(METADATA, "SingleSignOnService");
    let Some(service) = services.find(|one| one.attribute("Binding") == Some(binding)) else {
        return Ok(None);
    };
    let location = service.attribute("Location").unwrap_or_default();
    let safe = Url::parse(location).is_ok_and(|url| is_safe(&url) && url.fragment().is_none());
    require(safe, || {
        format!("its sign-in address {} is not https (or http on this computer)", quoted(location))
    })?;
    Ok(Some(location.to_owned()))
}
