//! Certificates: a key, and the days on which it counts.
//!
//! Nothing here builds chains. A certificate is trusted because the operator's metadata name it
//! (SA-6), not because somebody signed it.

use kernel::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::x509::X509;
use samael::crypto::CertificateDer;

use super::flaw::{Flaw, flaw, require};

const SECONDS_PER_DAY: i64 = 86_400;

/// A certificate whose key we are ready to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    der: Vec<u8>,
    not_before: i64,
    not_after: i64,
    fingerprint: String,
}

impl Certificate {
    /// A certificate from its DER.
    pub(super) fn from_der(der: Vec<u8>) -> Result<Self, Flaw> {
        let unreadable = |_| Flaw("a certificate cannot be read".to_owned());
        let certificate = X509::from_der(&der).map_err(unreadable)?;
        strong_enough(&certificate.public_key().map_err(unreadable)?)?;
        let digest = certificate.digest(MessageDigest::sha256()).map_err(unreadable)?;
        Ok(Self {
            not_before: seconds(certificate.not_before())?,
            not_after: seconds(certificate.not_after())?,
            fingerprint: super::hexadecimal(digest.get(..8).unwrap_or_default()),
            der,
        })
    }

    /// A certificate from base64 with any line breaks, as metadata have it.
    pub(super) fn from_base64(text: &str) -> Result<Self, Flaw> {
        require(!text.contains("-----BEGIN"), || {
            "a certificate has PEM armour (BEGIN CERTIFICATE) around its base64".to_owned()
        })?;
        Self::from_der(super::base64::decode(text)?)
    }

    /// A certificate from PEM.
    pub(super) fn from_pem(pem: &str) -> Result<Self, Flaw> {
        let certificate = X509::from_pem(pem.as_bytes());
        let der = certificate.and_then(|certificate| certificate.to_der());
        Self::from_der(der.map_err(|_| Flaw("it is not a certificate in PEM".to_owned()))?)
    }

    /// Whether `now` is one of its days.
    pub(super) fn is_current(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now.as_seconds())
    }

    /// Whole days until its last one; negative once that is over.
    pub(super) fn days_left(&self, now: Timestamp) -> i64 {
        (self.not_after - now.as_seconds()).div_euclid(SECONDS_PER_DAY)
    }

    /// The first half of its SHA-256, to tell it from others.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Base64 of the DER, as metadata want it.
    pub(super) fn base64(&self) -> String {
        kernel::encoding::base64(&self.der)
    }

    /// In the form in which the signature library takes it.
    pub(super) fn for_verifying(&self) -> CertificateDer {
        self.der.clone().into()
    }

    /// Whether this private key is the one it belongs to.
    pub(super) fn belongs_to(&self, key: &PKey<Private>) -> bool {
        let public = X509::from_der(&self.der).and_then(|certificate| certificate.public_key());
        public.is_ok_and(|public| public.public_eq(key))
    }
}

/// NIST SP 800-131A: RSA below 2048 bits signs nothing today, nor do small curves.
fn strong_enough(key: &PKey<Public>) -> Result<(), Flaw> {
    match key.id() {
        Id::RSA => require(key.bits() >= 2048, || "an RSA key has less than 2048 bits".to_owned()),
        Id::EC => require(key.bits() >= 256, || "an EC key has less than 256 bits".to_owned()),
        _ => flaw("a certificate's key is neither RSA nor EC"),
    }
}

fn seconds(time: &Asn1TimeRef) -> Result<i64, Flaw> {
    let unreadable = |_| Flaw("a certificate's validity dates cannot be read".to_owned());
    let epoch = Asn1Time::from_unix(0).map_err(unreadable)?;
    let since = epoch.diff(time).map_err(unreadable)?;
    Ok(i64::from(since.days) * SECONDS_PER_DAY + i64::from(since.secs))
}
