//! An answer, and what is signed of it.

use super::keys::Keys;
use super::text::{assertion_of, attribute, moment};
use super::{ENTITY_ID, ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256};

/// What gets signed. The assertion is always signed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing at all.
    Nothing,
    /// The response, with the assertion in it.
    Response,
    /// The assertion alone.
    Assertion,
    /// Each for itself.
    Both,
}

/// The parts of a signature that a test may want otherwise.
#[derive(Clone, Debug)]
pub struct Signature {
    /// By which the signature is made.
    pub algorithm: &'static str,
    /// Of what is signed.
    pub digest: &'static str,
    /// Of `SignedInfo`.
    pub canonicalization: &'static str,
    /// The `Transform` elements.
    pub transforms: String,
    /// `{id}` stands for the ID of the element that is signed.
    pub reference: &'static str,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Where it is posted, for `Destination` and `Recipient`.
    pub acs_url: &'a str,
    /// The service provider.
    pub audience: &'a str,
    /// The request that it answers.
    pub request_id: &'a str,
    /// When it is made, in seconds since the Unix epoch.
    pub now: i64,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            algorithm: RSA_SHA256,
            digest: SHA256,
            canonicalization: EXCLUSIVE,
            transforms: format!(
                r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/>"#
            ),
            reference: r##" URI="#{id}""##,
        }
    }
}

impl Signature {
    /// The empty signature of an element.
    pub fn template(&self, id: &str) -> String {
        let Self { algorithm, digest, canonicalization, transforms, reference } = self;
        let reference = reference.replace("{id}", id);
        format!(
            r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonicalization}"/><ds:SignatureMethod Algorithm="{algorithm}"/><ds:Reference{reference}><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"#
        )
    }
}

impl Answer<'_> {
    /// A signed answer; `edit` changes it before that.
    pub fn signed(
        self,
        keys: &Keys,
        sign: Sign,
        signature: &Signature,
        edit: impl Fn(String) -> String,
    ) -> String {
        let mut xml = edit(self.template());
        if matches!(sign, Sign::Assertion | Sign::Both) {
            let assertion = assertion_of(&xml).to_owned();
            let id = attribute(&assertion, "ID").to_owned();
            let template = assertion.replacen("@A@", &signature.template(&id), 1);
            xml = xml.replacen(&assertion, &keys.sign(&template), 1);
        }
        xml = xml.replace("@A@", "");
        if matches!(sign, Sign::Response | Sign::Both) {
            let id = attribute(&xml, "ID").to_owned();
            xml = keys.sign(&xml.replacen("@R@", &signature.template(&id), 1));
        }
        xml.replace("@R@", "")
    }

    /// The answer with `@R@` and `@A@` where signatures belong.
    pub fn template(self) -> String {
        let Self { acs_url, audience, request_id, now } = self;
        let [before, now, until, end] = [now - 60, now, now + 300, now + 28_800].map(moment);
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{now}" Destination="{acs_url}" InResponseTo="{request_id}"><saml:Issuer>{ENTITY_ID}</saml:Issuer>@R@<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion" Version="2.0" IssueInstant="{now}"><saml:Issuer>{ENTITY_ID}</saml:Issuer>@A@<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice-7</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs_url}" InResponseTo="{request_id}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session1" SessionNotOnOrAfter="{end}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"><saml:AttributeValue xsi:type="xs:string">alice@example.com</saml:AttributeValue></saml:Attribute><saml:Attribute Name="displayName"><saml:AttributeValue>Alice &amp; Co</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"#
        )
    }
}
