//! Encrypted assertions.

use kernel::encoding::base64;
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, encrypt, encrypt_aead};

use super::keys::Keys;
use super::text::{assertion_of, swap};
use super::{AES128_CBC, AES128_GCM, AES256_CBC, OAEP, OAEP_SHA256};

/// The answer with its assertion encrypted for `recipient`. The response's signature marker stays,
/// so that it can be signed afterwards.
pub fn encrypted(xml: &str, recipient: &Keys, content: &str, key_method: &str) -> String {
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
    let is_oaep = [OAEP, OAEP_SHA256].contains(&key_method);
    let padding = if is_oaep { Padding::PKCS1_OAEP } else { Padding::PKCS1 };
    encrypter.set_rsa_padding(padding).unwrap();
    let mut hashes = "";
    if key_method == OAEP_SHA256 {
        encrypter.set_rsa_oaep_md(MessageDigest::sha256()).unwrap();
        encrypter.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
        hashes = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>"#;
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(&key).unwrap()];
    let length = encrypter.encrypt(&key, &mut wrapped).unwrap();
    wrapped.truncate(length);
    let (wrapped, sealed) = (base64(&wrapped), base64(&sealed));
    swap(
        xml,
        assertion,
        &format!(
            r#"<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{content}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{key_method}">{hashes}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
        ),
    )
}
