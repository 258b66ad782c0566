//! Signatures by keys of every kind that is accepted, wherever they stand in the metadata.

use sso::saml::MetadataSource;

use super::idp::{ECDSA_SHA256, Keys, NOW, Sign, Signature, metadata};
use super::lab::{answer, config, judge, judge_with, keys};

#[tokio::test]
async fn sa_4_ecdsa_and_longer_hashes() {
    let ec = Keys::ec(NOW);
    let mut with_ec = config();
    with_ec.idp_metadata = MetadataSource::Xml(metadata(&[&keys().idp, &ec]));
    let signature = Signature { algorithm: ECDSA_SHA256, ..Signature::default() };
    let xml = answer().signed(&ec, Sign::Response, &signature, |xml| xml);
    judge_with(with_ec, &xml).await.unwrap();
    for (algorithm, digest) in [
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            "http://www.w3.org/2001/04/xmldsig-more#sha384",
        ),
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            "http://www.w3.org/2001/04/xmlenc#sha512",
        ),
    ] {
        let signature = Signature { algorithm, digest, ..Signature::default() };
        let xml = answer().signed(&keys().idp, Sign::Both, &signature, |xml| xml);
        judge(&xml).await.unwrap();
    }
}

/// A provider may have keys of both kinds: the one that signed is found wherever it stands.
#[tokio::test]
async fn sa_4_an_rsa_and_an_ec_key_in_both_orders() {
    let (rsa, ec) = (&keys().idp, &Keys::ec(NOW));
    let by_ec = Signature { algorithm: ECDSA_SHA256, ..Signature::default() };
    for order in [[rsa, ec], [ec, rsa]] {
        let mut config = config();
        config.idp_metadata = MetadataSource::Xml(metadata(&order));
        for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
            let xml = answer().signed(rsa, sign, &Signature::default(), |xml| xml);
            judge_with(config.clone(), &xml).await.unwrap();
            let xml = answer().signed(ec, sign, &by_ec, |xml| xml);
            judge_with(config.clone(), &xml).await.unwrap();
        }
    }
}
