//! Signatures that are odd in themselves, or made with the wrong key.

use super::super::idp::{ECDSA_SHA256, ENVELOPED, EXCLUSIVE, RSA_SHA256, Sign, Signature, swap};
use super::super::lab::{answer, good, keys};
use super::{Case, case};

pub(super) fn all() -> Vec<Case> {
    let parts = [references(), algorithms(), foreign_keys()];
    parts.into_iter().flatten().collect()
}

fn with(signature: &Signature, sign: Sign) -> String {
    answer().signed(&keys().idp, sign, signature, |xml| xml)
}

fn references() -> Vec<Case> {
    let id = |attribute: &str| {
        let tag = format!("<saml:Subject {attribute}=\"_assertion\">");
        swap(&good(Sign::Assertion), "<saml:Subject>", &tag)
    };
    let reference = |reference| Signature { reference, ..Signature::default() };
    let renamed = |to: &str| swap(&good(Sign::Response), "URI=\"#_response\"", to);
    let twice = |start: &str, end: &str| {
        let xml = good(Sign::Assertion);
        let from = xml.find(start).unwrap();
        let until = xml.find(end).unwrap() + end.len();
        format!("{}{}", &xml[..until], &xml[from..])
    };
    let digest = |change: &dyn Fn(&str) -> String| {
        let xml = good(Sign::Response);
        let (start, rest) = xml.split_once("<ds:DigestValue>").unwrap();
        let (value, end) = rest.split_once("</ds:DigestValue>").unwrap();
        format!("{start}<ds:DigestValue>{}</ds:DigestValue>{end}", change(value))
    };
    vec![
        case("T-SAML-06", "ID twice", "there twice", id("ID")),
        case("T-SAML-06", "Id as well", "there twice", id("Id")),
        case("T-SAML-06", "id as well", "there twice", id("id")),
        case("T-SAML-06", "xml:id as well", "there twice", id("xml:id")),
        case("T-SAML-07", "empty URI", "refers to", with(&reference(" URI=\"\""), Sign::Response)),
        case("T-SAML-07", "no URI", "refers to", renamed("")),
        case(
            "T-SAML-07",
            "xpointer to the root",
            "refers to",
            with(&reference(" URI=\"#xpointer(/)\""), Sign::Response),
        ),
        case(
            "T-SAML-07",
            "xpointer to the ID",
            "refers to",
            with(&reference(" URI=\"#xpointer(id('{id}'))\""), Sign::Response),
        ),
        case("T-SAML-07", "somewhere else", "refers to", renamed("URI=\"http://127.0.0.1:1/x\"")),
        case(
            "T-SAML-07",
            "the signature refers to its SignedInfo",
            "refers to",
            swap(&renamed("URI=\"#_info\""), "<ds:SignedInfo>", "<ds:SignedInfo Id=\"_info\">"),
        ),
        case(
            "T-SAML-07",
            "two references",
            "SignedInfo does not have exactly",
            twice("<ds:Reference ", "</ds:Reference>"),
        ),
        case(
            "T-SAML-08",
            "two SignedInfo",
            "unusual place",
            twice("<ds:SignedInfo>", "</ds:SignedInfo>"),
        ),
        case(
            "T-SAML-08",
            "two SignatureValue",
            "does not have exactly",
            twice("<ds:SignatureValue>", "</ds:SignatureValue>"),
        ),
        case(
            "T-SAML-08",
            "comment in the digest",
            "comment",
            digest(&|value| format!("<!-- x -->{value}")),
        ),
        case("T-SAML-08", "junk in the digest", "base64", digest(&|value| format!("!{value}"))),
        case(
            "T-SAML-08",
            "no-break space in the digest",
            "base64",
            digest(&|value| format!("{value}\u{a0}")),
        ),
        case(
            "T-SAML-08",
            "two digests run together",
            "base64",
            digest(&|value| format!("{value}{value}")),
        ),
        case(
            "T-SAML-08",
            "element in the digest",
            "elements where text",
            digest(&|value| format!("{value}<ds:X/>")),
        ),
        case("T-SAML-08", "too short a digest", "wrong length", digest(&|_| "AAAA".to_owned())),
        case(
            "T-SAML-08",
            "padding left out",
            "base64",
            digest(&|value| value.trim().trim_end_matches('=').to_owned()),
        ),
    ]
}

fn algorithms() -> Vec<Case> {
    let transforms = |extra: &str| {
        let transforms = format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/>{extra}"#);
        with(&Signature { transforms, ..Signature::default() }, Sign::Response)
    };
    let third = |algorithm: &str, content: &str| {
        format!(
            r#"<ds:Transform Algorithm="{EXCLUSIVE}"/><ds:Transform Algorithm="{algorithm}">{content}</ds:Transform>"#
        )
    };
    let replaced = |algorithm: &str| {
        // Signed as it should be, then renamed: it must fail for the name already.
        let xml = good(Sign::Response);
        let tag = format!(r#"<ds:Transform Algorithm="{EXCLUSIVE}"/>"#);
        swap(&xml, &tag, &format!(r#"<ds:Transform Algorithm="{algorithm}"/>"#))
    };
    let signed_with = |signature: Signature| with(&signature, Sign::Response);
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    vec![
        case(
            "T-SAML-09",
            "XPath",
            "not the two",
            transforms(
                &third(
                    "http://www.w3.org/TR/1999/REC-xpath-19991116",
                    "<ds:XPath>not(ancestor-or-self::saml:NameID)</ds:XPath>",
                )
                .replace("saml:NameID", "*[local-name()='NameID']"),
            ),
        ),
        case(
            "T-SAML-09",
            "XSLT",
            "not allowed",
            replaced("http://www.w3.org/TR/1999/REC-xslt-19991116"),
        ),
        case(
            "T-SAML-09",
            "base64",
            "not allowed",
            replaced("http://www.w3.org/2000/09/xmldsig#base64"),
        ),
        case(
            "T-SAML-09",
            "exclusive with comments",
            "not allowed",
            transforms(
                r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"/>"#,
            ),
        ),
        case(
            "T-SAML-09",
            "inclusive transform",
            "not allowed",
            transforms(&format!(r#"<ds:Transform Algorithm="{inclusive}"/>"#)),
        ),
        case(
            "T-SAML-09",
            "inclusive SignedInfo",
            "not allowed",
            signed_with(Signature { canonicalization: inclusive, ..Signature::default() }),
        ),
        case("T-SAML-09", "no canonicalization at all", "not the two", transforms("")),
        case(
            "T-SAML-17",
            "RSA with SHA-1",
            "signature algorithm \"http://www.w3.org/2000/09/xmldsig#rsa-sha1\" is not allowed; have",
            signed_with(Signature {
                algorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                ..Signature::default()
            }),
        ),
        case(
            "T-SAML-17",
            "SHA-1 digest",
            "digest algorithm \"http://www.w3.org/2000/09/xmldsig#sha1\" is not allowed; have",
            signed_with(Signature {
                digest: "http://www.w3.org/2000/09/xmldsig#sha1",
                ..Signature::default()
            }),
        ),
        case(
            "T-SAML-17",
            "MD5",
            "signature algorithm",
            swap(
                &good(Sign::Response),
                RSA_SHA256,
                "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            ),
        ),
    ]
}

fn foreign_keys() -> Vec<Case> {
    let stranger = &keys().stranger;
    let key_info = format!(
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo>",
        stranger.certificate_base64()
    );
    let by_stranger = |sign| {
        let xml = answer().signed(stranger, sign, &Signature::default(), |xml| xml);
        swap(&xml, "</ds:SignatureValue>", &key_info)
    };
    let named = |algorithm: &str| swap(&good(Sign::Response), RSA_SHA256, algorithm);
    vec![
        case(
            "T-SAML-17",
            "a stranger's response with his certificate",
            "none of the keys",
            by_stranger(Sign::Response),
        ),
        case(
            "T-SAML-17",
            "a stranger's assertion with his certificate",
            "none of the keys",
            by_stranger(Sign::Assertion),
        ),
        case("T-SAML-17", "HMAC under the public key", "signature algorithm", {
            hmac_under_the_public_key()
        }),
        case(
            "T-SAML-17",
            "DSA",
            "signature algorithm",
            named("http://www.w3.org/2009/xmldsig11#dsa-sha256"),
        ),
        case(
            "T-SAML-17",
            "a signature algorithm that does not fit the key",
            "none of the keys",
            named(ECDSA_SHA256),
        ),
    ]
}

/// A genuine HMAC, for which the certificate is the secret. The template is already canonical but
/// for its empty elements.
fn hmac_under_the_public_key() -> String {
    let algorithm = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
    let renamed = swap(&good(Sign::Response), RSA_SHA256, algorithm);
    let start = renamed.find("<ds:SignedInfo>").unwrap();
    let end = renamed.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
    let info = swap(
        &renamed[start..end],
        "<ds:SignedInfo>",
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
    );
    let key = openssl::pkey::PKey::hmac(keys().idp.certificate_base64().as_bytes()).unwrap();
    let digest = openssl::hash::MessageDigest::sha256();
    let mut signer = openssl::sign::Signer::new(digest, &key).unwrap();
    let mac = signer.sign_oneshot_to_vec(info.as_bytes()).unwrap();
    let (before, rest) = renamed.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    let mac = kernel::encoding::base64(&mac);
    format!("{before}<ds:SignatureValue>{mac}</ds:SignatureValue>{after}")
}
