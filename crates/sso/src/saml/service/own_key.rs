//! Our own key: it signs requests and opens encrypted assertions.

use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use samael::crypto::{Crypto, CryptoProvider as _};

use super::certificate::Certificate;
use super::names::{ECDSA_SHA256, RSA_SHA256};
use crate::saml::{Config, ConfigError};

/// A key with its certificate. `Debug` is not derived: there is nothing to show.
#[derive(Clone)]
pub(super) struct OwnKey {
    key: PKey<Private>,
    certificate: Certificate,
}

/// What should have been signed was not: the cryptography library failed.
#[derive(Debug)]
pub(super) struct CannotSign;

impl OwnKey {
    /// The configured key, if there is one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if the key and the certificate are not both there and of one pair, or
    /// if requests are to be signed without one.
    pub(super) fn from_config(config: &Config) -> Result<Option<Self>, ConfigError> {
        let wrong = |what: &str| Err(ConfigError::Key(what.to_owned()));
        let (key, certificate) = match (&config.key_pem, &config.certificate_pem) {
            (None, None) if config.sign_requests => {
                return wrong("sign_requests needs a key and its certificate");
            }
            (None, None) => return Ok(None),
            (Some(_), None) => return wrong("the key needs its certificate as well"),
            (None, Some(_)) => return wrong("the certificate needs its key as well"),
            (Some(key), Some(certificate)) => (key, certificate),
        };
        let Ok(key) = PKey::private_key_from_pem(key.reveal().as_bytes()) else {
            return wrong("the key is not a private key in PEM");
        };
        let certificate = Certificate::from_pem(certificate)
            .map_err(|flaw| ConfigError::Key(format!("our certificate: {flaw}")))?;
        if !certificate.belongs_to(&key) {
            return wrong("the certificate does not belong to the key");
        }
        Ok(Some(Self { key, certificate }))
    }

    /// The certificate to publish.
    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key, if assertions can be encrypted for it: RSA only.
    pub(super) fn for_decrypting(&self) -> Option<&PKey<Private>> {
        Some(&self.key).filter(|key| key.id() == Id::RSA)
    }

    /// The algorithm that [`Self::sign`] uses.
    pub(super) fn algorithm(&self) -> &'static str {
        if self.key.id() == Id::EC { ECDSA_SHA256 } else { RSA_SHA256 }
    }

    /// A detached signature. An ECDSA one is in DER, as providers' libraries expect it here.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, CannotSign> {
        let signer = Signer::new(MessageDigest::sha256(), &self.key);
        let signature = signer.and_then(|mut signer| signer.sign_oneshot_to_vec(bytes));
        signature.map_err(|_| CannotSign)
    }

    /// The document with its empty signature filled in.
    pub(super) fn sign_xml(&self, template: &str) -> Result<String, CannotSign> {
        let der = self.key.private_key_to_der().map_err(|_| CannotSign)?;
        Crypto::sign_xml(template, &der).map_err(|_| CannotSign)
    }
}
