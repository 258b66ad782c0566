//! The same answers before an independent implementation, written in Rust from parser to
//! cryptography: whatever we accept, it must accept, or the difference is explained here.

use std::time::{Duration, UNIX_EPOCH};

use kernel::encoding::base64;
use saml_rs::{
    AcsEndpoint, AudienceValidationPolicy, BrowserInput, CertificatePem, ClockSkew, Credentials,
    EntityId, FormField, IdpDescriptor, MetadataTrustPolicy, PendingAuthnRequest, PendingSnapshot,
    PrivateKeyPem, RelayStateParam, ReplayPolicy, Saml, SamlValidationContext, SpConfig,
    SpValidationPolicy, SsoResponse, XmlEncryptionPolicy, XmlPolicy, XmlSignatureProfile,
};

use super::corpus::corpus;
use super::idp::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, ENTITY_ID as IDP, NOW, OAEP, Sign, encrypted,
    metadata, swap,
};
use super::lab::{ACS_URL, ENTITY_ID, REQUEST_ID, good, judge, keys, signed};

/// What the oracle lets pass and we do not. In all of these it reads the name that the provider
/// signed, so nobody is fooled. Some are about what a message may look like (SA-2, SA-4, SA-7), some
/// about what SA-8, SA-9 and SA-13 ask for.
const ONLY_WE_REFUSE: [&str; 20] = [
    "CDATA in the name",
    "Issuer of a kind that is no entity",
    "Issuer of the response",
    "a false signature inside",
    "a mask where none belongs",
    "an end in another zone",
    "another encoding",
    "comment in the digest",
    "comment in the name",
    "comment in the name, signed so",
    "conditions without an end",
    "confirmation with NotBefore",
    "hidden deep in another namespace",
    "no AuthnStatement",
    "no canonicalization at all",
    "prefix switched off",
    "relative namespace after signing",
    "relative namespace inside",
    "signature beside the assertion",
    "two SignatureValue",
];

/// The name that the other implementation reads, or that it refuses.
fn oracle(xml: &str) -> Result<String, String> {
    verdict(xml).map_err(|error| error.to_string())
}

fn verdict(xml: &str) -> Result<String, saml_rs::SamlError> {
    let ours = &keys().ours;
    let config = SpConfig::builder(EntityId::try_new(ENTITY_ID)?)
        .acs_endpoint(AcsEndpoint::post(ACS_URL)?.mark_default())
        .credentials(Credentials {
            encryption_certificate: Some(CertificatePem::new(ours.certificate_pem())),
            decryption_key: Some(PrivateKeyPem::new(ours.key_pem())),
            ..Credentials::default()
        })
        .xml(XmlPolicy {
            // It wants to be told which kind comes: with this it refuses all others.
            encryption: if xml.contains("<saml:EncryptedAssertion>") {
                XmlEncryptionPolicy::encrypt_assertions()
                    .with_insecure_software_rsa_key_transport_decryption_allowed()
            } else {
                XmlEncryptionPolicy::default()
            },
            ..XmlPolicy::default()
        })
        .validation(SpValidationPolicy {
            xml_signatures: XmlSignatureProfile::StrictRsaSha2,
            audience: AudienceValidationPolicy::Validate,
            ..SpValidationPolicy::recommended()
        })
        .build()?;
    let provider = IdpDescriptor::from_metadata_xml_for(
        EntityId::try_new(IDP)?,
        &metadata(&[&keys().idp]),
        MetadataTrustPolicy::UnsignedForCompatibility,
    )?;
    let pending = PendingAuthnRequest::from_snapshot(PendingSnapshot::authn_request(
        REQUEST_ID,
        RelayStateParam::absent(),
        IDP,
        "post",
        ACS_URL,
        "post",
    ))?;
    let fields = vec![FormField::new("SAMLResponse", base64(xml.as_bytes()))];
    let now = UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    let context = SamlValidationContext::new(now, ReplayPolicy::DisabledForCompatibility)
        .with_clock_skew(ClockSkew::from_millis(-120_000, 120_000));
    let answer = BrowserInput::<SsoResponse>::post(fields);
    let session = Saml::sp(config)?.finish_sso(&provider, &pending, answer, context)?;
    Ok(session.name_id().value().to_owned())
}

fn sealed(content: &'static str) -> String {
    signed(Sign::Response, |xml| encrypted(&xml.replace("@A@", ""), &keys().ours, content, OAEP))
}

/// What we accept, it accepts, and reads the same name.
#[tokio::test]
async fn the_oracle_accepts_what_we_accept() {
    let to_us = format!(" Destination=\"{ACS_URL}\"");
    let mut answers = vec![
        ("response", good(Sign::Response)),
        ("assertion", good(Sign::Assertion)),
        ("both", good(Sign::Both)),
        ("no Destination", signed(Sign::Assertion, |xml| swap(&xml, &to_us, ""))),
        ("formatted", signed(Sign::Both, |xml| xml.replace("><saml:", ">\n  <saml:"))),
    ];
    answers.extend([AES128_CBC, AES256_CBC, AES128_GCM, AES256_GCM].map(|it| (it, sealed(it))));
    for (name, answer) in answers {
        judge(&answer).await.unwrap();
        assert_eq!(oracle(&answer).as_deref(), Ok("alice-7"), "{name}");
    }
}

/// The hostile ones are all refused by us. Most are by the oracle, too, so it does look; and where
/// it does not, it never sees anybody but the person whom the provider meant.
#[test]
fn the_oracle_sees_the_same_person_or_nobody() {
    let mut accepted = Vec::new();
    for case in corpus() {
        if let Ok(name) = oracle(&case.xml) {
            // The provider did sign this name, with a comment in it; the oracle leaves that out.
            let whole = case.name == "comment in the name, signed so" && name == "alice-7.evil";
            assert!(whole || name == "alice-7", "{}: {name}", case.name);
            accepted.push(case.name);
        }
    }
    accepted.sort_unstable();
    accepted.dedup();
    assert_eq!(accepted, ONLY_WE_REFUSE);
}
