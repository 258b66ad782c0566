//! A key pair with a certificate of its own.

use kernel::encoding::base64;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use samael::crypto::{Crypto, CryptoProvider as _};

/// A key pair with a certificate of its own.
#[derive(Debug)]
pub struct Keys {
    key: PKey<Private>,
    certificate: X509,
}

impl Keys {
    /// RSA, 2048 bits, good for a year around `now`.
    pub fn rsa(now: i64) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        Self::with(key, now - 86_400, now + 365 * 86_400)
    }

    /// P-256.
    pub fn ec(now: i64) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        Self::with(key, now - 86_400, now + 365 * 86_400)
    }

    /// The same key with a certificate for other days.
    #[must_use]
    pub fn certified(&self, from: i64, until: i64) -> Self {
        Self::with(self.key.clone(), from, until)
    }

    /// A key with a certificate that it signed itself.
    pub fn with(key: PKey<Private>, from: i64, until: i64) -> Self {
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

    /// The private key.
    pub fn key(&self) -> &PKey<Private> {
        &self.key
    }

    /// The private key, PKCS #8 in PEM.
    pub fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    /// The certificate as metadata have it.
    pub fn certificate_base64(&self) -> String {
        base64(&self.certificate.to_der().unwrap())
    }

    /// Fills in the first empty signature of a document.
    pub fn sign(&self, template: &str) -> String {
        let der = self.key.private_key_to_der().unwrap();
        let signed = Crypto::sign_xml(template, &der).expect(template);
        signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest).trim().to_owned()
    }
}
