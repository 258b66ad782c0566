//! An identity provider of our own: it has keys and metadata, and signs whatever it is told to.
//!
//! Answers are made from one template by replacing text, before or after signing, so that a test
//! shows exactly what is odd about its answer.

use chrono::{DateTime, SecondsFormat};
use kernel::encoding::base64;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::symm::{Cipher, encrypt, encrypt_aead};
use openssl::x509::{X509, X509NameBuilder};
use samael::crypto::{Crypto, CryptoProvider as _};

pub(crate) const NOW: i64 = 1_790_000_000;
pub(crate) const ENTITY_ID: &str = "https://idp.example.com/metadata";
pub(crate) const SSO_URL: &str = "https://idp.example.com/sso";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(crate) const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub(crate) const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
pub(crate) const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub(crate) const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(crate) const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";

/// A key pair with a certificate of its own.
pub(crate) struct Keys {
    key: PKey<Private>,
    certificate: X509,
}

/// What gets signed. The assertion is always signed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Nothing,
    Response,
    Assertion,
    Both,
}

/// The parts of a signature that a test may want otherwise.
#[derive(Clone)]
pub(crate) struct Signature {
    pub(crate) algorithm: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) canonicalization: &'static str,
    pub(crate) transforms: String,
    /// `{id}` stands for the ID of the element that is signed.
    pub(crate) reference: &'static str,
}

/// What an answer is for.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) acs_url: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) now: i64,
}

impl Keys {
    /// RSA, 2048 bits, good for a year around `now`.
    pub(crate) fn rsa(now: i64) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        Self::with(key, now - 86_400, now + 365 * 86_400)
    }

    /// P-256.
    pub(crate) fn ec(now: i64) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        Self::with(key, now - 86_400, now + 365 * 86_400)
    }

    /// The same key with a certificate for other days.
    pub(crate) fn certified(&self, from: i64, until: i64) -> Self {
        Self::with(self.key.clone(), from, until)
    }

    /// A key with a certificate that it signed itself.
    pub(crate) fn with(key: PKey<Private>, from: i64, until: i64) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "idp.example.com").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(from).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(until).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: builder.build() }
    }

    pub(crate) fn key(&self) -> &PKey<Private> {
        &self.key
    }

    pub(crate) fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    pub(crate) fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    pub(crate) fn certificate_base64(&self) -> String {
        base64(&self.certificate.to_der().unwrap())
    }

    /// Fills in the first empty signature of a document.
    pub(crate) fn sign(&self, template: &str) -> String {
        let der = self.key.private_key_to_der().unwrap();
        let signed = Crypto::sign_xml(template, &der).expect(template);
        signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest).trim().to_owned()
    }
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
    pub(crate) fn template(&self, id: &str) -> String {
        let Self { algorithm, digest, canonicalization, transforms, reference } = self;
        let reference = reference.replace("{id}", id);
        format!(
            r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonicalization}"/><ds:SignatureMethod Algorithm="{algorithm}"/><ds:Reference{reference}><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"#
        )
    }
}

impl Answer<'_> {
    /// A signed answer; `edit` changes it before that.
    pub(crate) fn signed(
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
    pub(crate) fn template(self) -> String {
        let Self { acs_url, audience, request_id, now } = self;
        let [before, now, until, end] = [now - 60, now, now + 300, now + 28_800].map(moment);
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{now}" Destination="{acs_url}" InResponseTo="{request_id}"><saml:Issuer>{ENTITY_ID}</saml:Issuer>@R@<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion" Version="2.0" IssueInstant="{now}"><saml:Issuer>{ENTITY_ID}</saml:Issuer>@A@<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice-7</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs_url}" InResponseTo="{request_id}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session1" SessionNotOnOrAfter="{end}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"><saml:AttributeValue xsi:type="xs:string">alice@example.com</saml:AttributeValue></saml:Attribute><saml:Attribute Name="displayName"><saml:AttributeValue>Alice &amp; Co</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"#
        )
    }
}

/// A provider's metadata with these certificates for signing.
pub(crate) fn metadata(certificates: &[&Keys]) -> String {
    let descriptors = certificates.iter().fold(String::new(), |all, keys| {
        all + &format!(
            r#"<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
            keys.certificate_base64()
        )
    });
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_metadata" entityID="{ENTITY_ID}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{descriptors}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO_URL}"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{SSO_URL}/post"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// The same document, signed.
pub(crate) fn signed_metadata(certificates: &[&Keys], signer: &Keys) -> String {
    let signature = Signature::default().template("_metadata");
    let xml = metadata(certificates);
    signer.sign(&xml.replacen("<md:IDPSSO", &format!("{signature}<md:IDPSSO"), 1))
}

/// The text with `from` replaced; it must be there.
pub(crate) fn swap(xml: &str, from: &str, to: &str) -> String {
    assert!(xml.contains(from), "not in the document: {from}");
    xml.replacen(from, to, 1)
}

/// From the first start of an assertion to the last end of one.
pub(crate) fn assertion_of(xml: &str) -> &str {
    const END: &str = "</saml:Assertion>";
    &xml[xml.find("<saml:Assertion").unwrap()..xml.rfind(END).unwrap() + END.len()]
}

/// The first signature.
pub(crate) fn signature_of(xml: &str) -> &str {
    const END: &str = "</ds:Signature>";
    let start = xml.find("<ds:Signature ").unwrap();
    &xml[start..start + xml[start..].find(END).unwrap() + END.len()]
}

/// The value of the first attribute with this name.
pub(crate) fn attribute<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

/// The answer with its assertion encrypted for `recipient`. The response's signature marker stays,
/// so that it can be signed afterwards.
pub(crate) fn encrypted(xml: &str, recipient: &Keys, content: &str, key_method: &str) -> String {
    let assertion = assertion_of(xml);
    let (cipher, is_gcm) = match content {
        AES128_CBC => (Cipher::aes_128_cbc(), false),
        AES256_CBC => (Cipher::aes_256_cbc(), false),
        AES128_GCM => (Cipher::aes_128_gcm(), true),
        _ => (Cipher::aes_256_gcm(), true),
    };
    let key = vec![0x42; cipher.key_len()];
    let nonce = vec![0x17; cipher.iv_len().unwrap()];
    let mut sealed = nonce.clone();
    if is_gcm {
        let mut tag = [0; 16];
        let bytes = encrypt_aead(cipher, &key, Some(&nonce), &[], assertion.as_bytes(), &mut tag);
        sealed.extend(bytes.unwrap());
        sealed.extend(tag);
    } else {
        sealed.extend(encrypt(cipher, &key, Some(&nonce), assertion.as_bytes()).unwrap());
    }
    let mut encrypter = Encrypter::new(recipient.key()).unwrap();
    let padding = if key_method == OAEP { Padding::PKCS1_OAEP } else { Padding::PKCS1 };
    encrypter.set_rsa_padding(padding).unwrap();
    let mut wrapped = vec![0; encrypter.encrypt_len(&key).unwrap()];
    let length = encrypter.encrypt(&key, &mut wrapped).unwrap();
    wrapped.truncate(length);
    let (wrapped, sealed) = (base64(&wrapped), base64(&sealed));
    swap(
        xml,
        assertion,
        &format!(
            r#"<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{content}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{key_method}"/><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
        ),
    )
}

/// A moment as SAML writes it.
pub(crate) fn moment(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339_opts(SecondsFormat::Secs, true)
}
