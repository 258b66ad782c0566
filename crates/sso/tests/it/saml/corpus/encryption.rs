//! Encrypted assertions that must not be opened, or not believed (SA-13).

use super::super::idp::{
    AES128_CBC, AES128_GCM, OAEP, OAEP_SHA256, Sign, Signature, assertion_of, encrypted, swap,
};
use super::super::lab::{answer, good, keys, signed};
use super::{Case, case};

fn sealed_case(what: &'static str, expected: &'static str, answer: String) -> Case {
    case("T-SAML-23", what, expected, answer)
}

pub(super) fn all() -> Vec<Case> {
    let ours = &keys().ours;
    let sealed = |sign: Sign, content, key_method| {
        signed(sign, move |xml| encrypted(&xml.replace("@A@", ""), ours, content, key_method))
    };
    let inner_signed = |content| {
        let keys = &keys().idp;
        let xml = answer().signed(keys, Sign::Assertion, &Signature::default(), |xml| xml);
        encrypted(&xml, ours, content, OAEP)
    };
    let beside = {
        let plain = good(Sign::Assertion);
        let other =
            encrypted(&swap(&good(Sign::Nothing), "alice-7", "mallory"), ours, AES128_GCM, OAEP);
        let start = other.find("<saml:EncryptedAssertion>").unwrap();
        let end = other.find("</samlp:Response>").unwrap();
        swap(&plain, "</samlp:Response>", &format!("{}</samlp:Response>", &other[start..end]))
    };
    let for_stranger = signed(Sign::Response, |xml| {
        encrypted(&xml.replace("@A@", ""), &keys().stranger, AES128_CBC, OAEP)
    });
    let cut = signed(Sign::Response, |xml| {
        let xml = encrypted(&xml.replace("@A@", ""), ours, AES128_GCM, OAEP);
        let start = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
        let end = xml.rfind("</xenc:CipherValue>").unwrap();
        format!("{}AAAA{}", &xml[..start], &xml[end..])
    });
    let inner_by_stranger = signed(Sign::Response, |xml| {
        let assertion = assertion_of(&xml).to_owned();
        let signature = Signature::default().template("_assertion");
        let signed = keys().stranger.sign(&assertion.replace("@A@", &signature));
        encrypted(&swap(&xml, &assertion, &signed), ours, AES128_CBC, OAEP)
    });
    let with_mask = |method, mask: &'static str| {
        signed(Sign::Response, move |xml| {
            let xml = encrypted(&xml.replace("@A@", ""), ours, AES128_GCM, OAEP_SHA256);
            let xml = xml.replace(OAEP_SHA256, method);
            swap(&xml, "xmlenc11#mgf1sha256", mask)
        })
    };
    vec![
        sealed_case(
            "another mask than it was made with",
            "cannot be decrypted",
            with_mask(OAEP_SHA256, "xmlenc11#mgf1sha1"),
        ),
        sealed_case(
            "a mask that nobody knows",
            "OAEP hash",
            with_mask(OAEP_SHA256, "xmlenc11#mgf1md5"),
        ),
        sealed_case(
            "a mask where none belongs",
            "names a mask",
            with_mask(OAEP, "xmlenc11#mgf1sha256"),
        ),
        sealed_case("an encrypted one beside a signed one", "more than one", beside),
        sealed_case(
            "CBC, nothing signed",
            "unsigned response",
            sealed(Sign::Nothing, AES128_CBC, OAEP),
        ),
        sealed_case(
            "CBC, only the inner one signed",
            "unsigned response",
            inner_signed(AES128_CBC),
        ),
        sealed_case(
            "GCM, nothing signed",
            "unsigned response",
            sealed(Sign::Nothing, AES128_GCM, OAEP),
        ),
        sealed_case(
            "RSA1_5",
            "key encryption",
            sealed(Sign::Response, AES128_GCM, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        ),
        sealed_case(
            "triple DES",
            "not supported",
            signed(Sign::Response, |xml| {
                let xml = encrypted(&xml.replace("@A@", ""), ours, AES128_CBC, OAEP);
                swap(&xml, AES128_CBC, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
            }),
        ),
        sealed_case("for somebody else", "cannot be decrypted", for_stranger),
        sealed_case("cut short", "cannot be decrypted", cut),
        sealed_case("a false signature inside", "made by none of the keys", inner_by_stranger),
    ]
}
