//! Signatures: where they may be, what they may look like, and what they cover.
//!
//! The shape is checked here, on the tree of our own strict reader; whether the signature is
//! genuine is for xmlsec to say, through samael. What comes back from there are the very bytes
//! that were digested. They are read again, must be what was asked about, and are the only thing
//! that anybody looks at from then on (SA-1).

use samael::crypto::{
    AllowedSignatureAlgorithm, Crypto, CryptoError, CryptoProvider as _, ReduceMode,
};

use super::certificate::Certificate;
use super::flaw::{Flaw, flaw, quoted, require};
use super::names::{ENVELOPED, EXCLUSIVE_C14N, SIGNATURE};
use super::xml::{Element, Limits, parse};

/// SA-4: RSA and ECDSA with SHA-2. No SHA-1, no DSA, and no HMAC, for which a public key would do
/// as the secret.
const ALGORITHMS: [AllowedSignatureAlgorithm; 5] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
];

/// Digests, each with its length in bytes.
const DIGESTS: [(&str, usize); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", 32),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", 48),
    ("http://www.w3.org/2001/04/xmlenc#sha512", 64),
];

/// Whether this element has an enveloped signature.
///
/// # Errors
///
/// If it has one that is not exactly as SA-4 wants it.
pub(super) fn is_signed(signed: &Element) -> Result<bool, Flaw> {
    let Some(signature) = signed.optional(SIGNATURE, "Signature")? else {
        return Ok(false);
    };
    children(signature, &["SignedInfo", "SignatureValue"], Some("KeyInfo"))?;
    let value = super::base64::decode(signature.required(SIGNATURE, "SignatureValue")?.text()?)?;
    require(!value.is_empty(), || "the signature value is empty".to_owned())?;
    let info = signature.required(SIGNATURE, "SignedInfo")?;
    children(info, &["CanonicalizationMethod", "SignatureMethod", "Reference"], None)?;
    canonicalization(info.required(SIGNATURE, "CanonicalizationMethod")?)?;
    let method = info.required(SIGNATURE, "SignatureMethod")?;
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    require(
        ALGORITHMS.iter().any(|allowed| allowed.signature_uri() == algorithm) && is_bare(method),
        || not_allowed("signature", algorithm),
    )?;
    reference(info.required(SIGNATURE, "Reference")?, signed)?;
    Ok(true)
}

/// The element as it was signed, if a key of one of the certificates made every signature in the
/// document. `element` is the signed one in our tree of the same document.
///
/// # Errors
///
/// If no key fits, or if the two parsers did not see the same.
pub(super) fn verified(
    xml: &str,
    element: &Element,
    certificates: &[&Certificate],
) -> Result<Element, NotVerified> {
    // One certificate at a time: with several, the library gives up at a key of another kind.
    let digested = certificates.iter().find_map(|certificate| digested(xml, certificate).ok());
    let digested = digested.ok_or(NotVerified::NoKeyFits)?;
    let verified = parse(&digested, Limits::METADATA)?;
    // SA-1, SA-5, T-SAML-14: void canonicalization and disagreeing parsers end here.
    require(verified == element.without(SIGNATURE, "Signature"), || {
        "what was signed is not what was sent".to_owned()
    })?;
    Ok(verified)
}

/// Why nothing could be verified.
#[derive(Debug)]
pub(super) enum NotVerified {
    /// The signature is false, or its key is not among the provider's.
    NoKeyFits,
    /// The document is wrong in itself.
    Flawed(Flaw),
}

impl From<Flaw> for NotVerified {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}

/// The bytes that the only signature covers; with a signed assertion in a signed response, those
/// of the response. SA-6: the key is given, so `KeyInfo` is never consulted.
fn digested(xml: &str, certificate: &Certificate) -> Result<String, CryptoError> {
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        xml,
        &[certificate.for_verifying()],
        ReduceMode::PreDigest,
        Some(&ALGORITHMS),
    )
}

/// SA-4: one reference, by `#ID`, to the element that the signature is in.
fn reference(reference: &Element, signed: &Element) -> Result<(), Flaw> {
    children(reference, &["Transforms", "DigestMethod", "DigestValue"], None)?;
    let id = signed.attribute("ID").unwrap_or_default();
    let uri = reference.attribute("URI").unwrap_or_default();
    require(!id.is_empty() && uri.strip_prefix('#') == Some(id), || {
        format!("the signature refers to {}, not to the element it is in", quoted(uri))
    })?;
    require(!reference.has_attributes_beside(&["URI", "Id"]), || "an odd Reference".to_owned())?;
    transforms(reference.required(SIGNATURE, "Transforms")?)?;
    let method = reference.required(SIGNATURE, "DigestMethod")?;
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    let known = DIGESTS.iter().find(|(uri, _)| *uri == algorithm).filter(|_| is_bare(method));
    let Some((_, length)) = known else {
        return flaw(not_allowed("digest", algorithm));
    };
    let digest = super::base64::decode(reference.required(SIGNATURE, "DigestValue")?.text()?)?;
    require(digest.len() == *length, || "the digest has the wrong length".to_owned())
}

/// Some providers sign with SHA-1 unless they are told otherwise, each by a name of its own.
fn not_allowed(kind: &str, algorithm: &str) -> String {
    let hint = if is_sha1(algorithm) {
        "; have the provider sign with SHA-256, in pysaml2 and SATOSA by signing_algorithm and \
         digest_algorithm"
    } else {
        ""
    };
    format!("the {kind} algorithm {} is not allowed{hint}", quoted(algorithm))
}

/// Whether an identifier of XML Signature is one of those with SHA-1.
pub(super) fn is_sha1(algorithm: &str) -> bool {
    algorithm.ends_with("sha1")
}

/// SA-4: take the signature out, then canonicalize exclusively and without comments; nothing else.
fn transforms(transforms: &Element) -> Result<(), Flaw> {
    let all: Vec<_> = transforms.elements().collect();
    let [enveloped, canonical] = all.as_slice() else {
        return flaw("the transforms are not the two that SAML uses");
    };
    let is_enveloped = enveloped.is(SIGNATURE, "Transform")
        && enveloped.attribute("Algorithm") == Some(ENVELOPED)
        && is_bare(enveloped);
    require(is_enveloped && canonical.is(SIGNATURE, "Transform"), || {
        "the transforms are not the two that SAML uses".to_owned()
    })?;
    canonicalization(canonical)
}

fn canonicalization(method: &Element) -> Result<(), Flaw> {
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    require(algorithm == EXCLUSIVE_C14N, || {
        format!("the canonicalization or transform {} is not allowed", quoted(algorithm))
    })?;
    let only_prefixes = method.elements().all(|inner| {
        inner.is(EXCLUSIVE_C14N, "InclusiveNamespaces") && inner.elements().next().is_none()
    });
    let fine = only_prefixes && method.elements().count() <= 1 && !method.has_stray_text();
    require(fine, || "a canonicalization with odd parameters".to_owned())
}

/// Whether it has nothing but its `Algorithm`.
fn is_bare(method: &Element) -> bool {
    method.elements().next().is_none()
        && !method.has_stray_text()
        && !method.has_attributes_beside(&["Algorithm"])
}

/// Exactly these elements in this order, and perhaps one more after them.
fn children(parent: &Element, names: &[&str], last: Option<&str>) -> Result<(), Flaw> {
    let found: Vec<_> = parent.elements().collect();
    let fits = |element: &Element, name: &str| element.is(SIGNATURE, name);
    let fine = found.len() >= names.len()
        && found.iter().zip(names).all(|(element, name)| fits(element, name))
        && match (found.get(names.len()..), last) {
            (Some([]), _) => true,
            (Some([element]), Some(last)) => fits(element, last),
            _ => false,
        };
    require(fine && !parent.has_stray_text(), || {
        format!("{} does not have exactly what belongs in it", parent.local_name())
    })
}
