//! Encrypted assertions (SA-13).
//!
//! Only from inside a signed response: the provider's signature covers the ciphertext, so nobody
//! can learn anything by sending altered ones, not even with CBC. RSA PKCS#1 v1.5 is refused in
//! any case.

use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::symm::{Cipher, Crypter, Mode, decrypt_aead};

use super::flaw::{Flaw, flaw, quoted, require};
use super::names::{ENCRYPTION, ENCRYPTION_1_1, SIGNATURE};
use super::xml::Element;

const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

/// Hashes by identifier.
type Hashes = [(&'static str, fn() -> MessageDigest); 4];

/// Hashes of the label, by the names of XML Signature and XML Encryption.
const DIGESTS: Hashes = [
    ("http://www.w3.org/2000/09/xmldsig#sha1", MessageDigest::sha1),
    ("http://www.w3.org/2001/04/xmlenc#sha256", MessageDigest::sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", MessageDigest::sha384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", MessageDigest::sha512),
];

/// Hashes of the mask.
const MASKS: Hashes = [
    ("http://www.w3.org/2009/xmlenc11#mgf1sha1", MessageDigest::sha1),
    ("http://www.w3.org/2009/xmlenc11#mgf1sha256", MessageDigest::sha256),
    ("http://www.w3.org/2009/xmlenc11#mgf1sha384", MessageDigest::sha384),
    ("http://www.w3.org/2009/xmlenc11#mgf1sha512", MessageDigest::sha512),
];

const GCM_NONCE_BYTES: usize = 12;
const GCM_TAG_BYTES: usize = 16;

/// The document in an `EncryptedAssertion`.
///
/// # Errors
///
/// If an algorithm is not allowed, or if our key does not open it. The latter always in the same
/// words.
pub(super) fn decrypted(encrypted: &Element, key: &PKey<Private>) -> Result<String, Flaw> {
    let data = encrypted.required(ENCRYPTION, "EncryptedData")?;
    let wrapped = wrapped_key(encrypted, data)?;
    let key = unwrapped(wrapped, key)?;
    let plain = content(data, &key)?;
    String::from_utf8(plain).or_else(|_| cannot())
}

fn cannot<T>() -> Result<T, Flaw> {
    flaw("the assertion cannot be decrypted with our key")
}

/// XML Encryption §3.5: in the data's `KeyInfo`, or beside the data. One: for us.
fn wrapped_key<'a>(encrypted: &'a Element, data: &'a Element) -> Result<&'a Element, Flaw> {
    let inside = match data.optional(SIGNATURE, "KeyInfo")? {
        Some(info) => info.optional(ENCRYPTION, "EncryptedKey")?,
        None => None,
    };
    let beside = encrypted.optional(ENCRYPTION, "EncryptedKey")?;
    match (inside, beside) {
        (Some(key), None) | (None, Some(key)) => Ok(key),
        _ => flaw("an encrypted assertion needs exactly one encrypted key"),
    }
}

fn unwrapped(wrapped: &Element, key: &PKey<Private>) -> Result<Vec<u8>, Flaw> {
    let oaep = Oaep::read(wrapped.required(ENCRYPTION, "EncryptionMethod")?)?;
    let cipher = cipher_value(wrapped)?;
    oaep.opened(key, &cipher).or_else(|_| cannot())
}

/// RSA-OAEP with its two hashes.
struct Oaep {
    digest: MessageDigest,
    mask: MessageDigest,
}

impl Oaep {
    /// XML Encryption 1.1 §5.5.2: the older identifier means MGF1 with SHA-1; the newer one names
    /// its mask. Both hashes are SHA-1 unless the method says otherwise.
    fn read(method: &Element) -> Result<Self, Flaw> {
        let algorithm = method.attribute("Algorithm").unwrap_or_default();
        let names_its_mask = match algorithm {
            OAEP_MGF1P => false,
            OAEP => true,
            other => {
                let other = quoted(other);
                return flaw(format!("the key encryption {other} is not allowed; use RSA-OAEP"));
            }
        };
        let parameters = method.elements().any(|inner| inner.is(ENCRYPTION, "OAEPparams"));
        require(!parameters, || "OAEP parameters are not supported".to_owned())?;
        let mask = method.optional(ENCRYPTION_1_1, "MGF")?;
        require(names_its_mask || mask.is_none(), || {
            "an odd RSA-OAEP: it names a mask".to_owned()
        })?;
        let digest = method.optional(SIGNATURE, "DigestMethod")?;
        Ok(Self { digest: hash(digest, &DIGESTS)?, mask: hash(mask, &MASKS)? })
    }

    fn opened(
        &self,
        key: &PKey<Private>,
        cipher: &[u8],
    ) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut decrypter = Decrypter::new(key)?;
        decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        decrypter.set_rsa_oaep_md(self.digest)?;
        decrypter.set_rsa_mgf1_md(self.mask)?;
        let mut plain = vec![0; decrypter.decrypt_len(cipher)?];
        let length = decrypter.decrypt(cipher, &mut plain)?;
        plain.truncate(length);
        Ok(plain)
    }
}

/// The hash that an element names; SHA-1 where there is none. OAEP does not rely on there being no
/// collisions.
fn hash(named: Option<&Element>, known: &Hashes) -> Result<MessageDigest, Flaw> {
    let Some(named) = named else { return Ok(MessageDigest::sha1()) };
    let algorithm = named.attribute("Algorithm").unwrap_or_default();
    let found = known.iter().find(|(name, _)| *name == algorithm);
    let unknown = || Flaw(format!("the OAEP hash {} is not known", quoted(algorithm)));
    found.map(|(_, hash)| hash()).ok_or_else(unknown)
}

fn content(data: &Element, key: &[u8]) -> Result<Vec<u8>, Flaw> {
    let method = data.required(ENCRYPTION, "EncryptionMethod")?;
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    let (cipher, is_gcm) = match algorithm {
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => (Cipher::aes_128_cbc(), false),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => (Cipher::aes_256_cbc(), false),
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => (Cipher::aes_128_gcm(), true),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => (Cipher::aes_256_gcm(), true),
        other => return flaw(format!("the encryption {} is not supported", quoted(other))),
    };
    let bytes = cipher_value(data)?;
    if key.len() != cipher.key_len() {
        return cannot();
    }
    let plain = if is_gcm { gcm(cipher, key, &bytes) } else { cbc(cipher, key, &bytes) };
    plain.map_or_else(cannot, Ok)
}

fn gcm(cipher: Cipher, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = bytes.split_at_checked(GCM_NONCE_BYTES)?;
    let (cipher_text, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG_BYTES)?)?;
    decrypt_aead(cipher, key, Some(nonce), &[], cipher_text, tag).ok()
}

/// XML Encryption §5.2: the last byte says how many bytes of padding there are, and the others of
/// them may be anything.
fn cbc(cipher: Cipher, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let block = cipher.block_size();
    let (start, cipher_text) = bytes.split_at_checked(cipher.iv_len()?)?;
    let mut crypter = Crypter::new(cipher, Mode::Decrypt, key, Some(start)).ok()?;
    crypter.pad(false);
    let mut plain = vec![0; cipher_text.len() + block];
    let written = crypter.update(cipher_text, &mut plain).ok()?;
    let rest = crypter.finalize(plain.get_mut(written..)?).ok()?;
    plain.truncate(written + rest);
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=block).contains(&padding))?;
    plain.truncate(length);
    Some(plain)
}

fn cipher_value(parent: &Element) -> Result<Vec<u8>, Flaw> {
    let data = parent.required(ENCRYPTION, "CipherData")?;
    super::base64::decode(data.required(ENCRYPTION, "CipherValue")?.text()?)
}
