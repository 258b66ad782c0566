//! Signatures that are missing or in the wrong place.

use super::super::idp::{Sign, assertion_of, signature_of, swap};
use super::super::lab::{good, signed};
use super::{Case, case};

pub(super) fn all() -> Vec<Case> {
    let parts = [unsigned(), wrapped_responses(), wrapped_assertions()];
    parts.into_iter().flatten().collect()
}

/// The signed assertion with another person in it.
fn evil(assertion: &str) -> String {
    let without = swap(assertion, signature_of(assertion), "");
    swap(&swap(&without, "alice-7", "mallory"), "ID=\"_assertion\"", "ID=\"_evil\"")
}

fn unsigned() -> Vec<Case> {
    let response = good(Sign::Response);
    let empty = {
        let (start, rest) = response.split_once("<ds:SignatureValue>").unwrap();
        let (_, end) = rest.split_once("</ds:SignatureValue>").unwrap();
        format!("{start}<ds:SignatureValue></ds:SignatureValue>{end}")
    };
    vec![
        case("T-SAML-00", "unsigned", "neither the response", good(Sign::Nothing)),
        case(
            "T-SAML-00",
            "signature removed",
            "neither the response",
            swap(&response, signature_of(&response), ""),
        ),
        case("T-SAML-00", "empty value", "signature value is empty", empty),
        case(
            "T-SAML-00",
            "changed after signing the response",
            "none of the keys",
            swap(&response, "alice-7", "mallory"),
        ),
        case(
            "T-SAML-00",
            "changed after signing the assertion",
            "none of the keys",
            swap(&good(Sign::Assertion), "alice-7", "mallory"),
        ),
        case("T-SAML-00", "one of two signatures is false", "none of the keys", {
            let both = good(Sign::Both);
            let start = both.rfind("<ds:DigestValue>").unwrap() + 16;
            format!("{}AAAA{}", &both[..start], &both[start + 4..])
        }),
    ]
}

fn wrapped_responses() -> Vec<Case> {
    let response = good(Sign::Response);
    let signature = signature_of(&response).to_owned();
    let bare = swap(&response, &signature, "");
    let forged = swap(&swap(&bare, "alice-7", "mallory"), "ID=\"_response\"", "ID=\"_evil\"");
    let forged = swap(&forged, "ID=\"_assertion\"", "ID=\"_evil2\"");
    let in_forged = |what: &str| swap(&forged, "<samlp:Status>", &format!("{what}<samlp:Status>"));
    let holding =
        |what: &str| swap(&signature, "</ds:Signature>", &format!("{what}</ds:Signature>"));
    vec![
        case(
            "T-SAML-01",
            "XSW1: original inside the signature",
            "unusual place",
            in_forged(&holding(&bare)),
        ),
        case(
            "T-SAML-01",
            "XSW2: original beside the signature",
            "does not belong",
            in_forged(&format!("{bare}{signature}")),
        ),
        case("T-SAML-01", "a response around a response", "does not belong", in_forged(&response)),
    ]
}

fn wrapped_assertions() -> Vec<Case> {
    let one = good(Sign::Assertion);
    let original = assertion_of(&one).to_owned();
    let original_signature = signature_of(&original).to_owned();
    let bare_original = swap(&original, &original_signature, "");
    let evil = evil(&original);
    let replaced = |with: &str| swap(&one, &original, with);
    let evil_with = |inner: &str| swap(&evil, "<saml:Subject>", &format!("{inner}<saml:Subject>"));
    let original_in = |start: &str, end: &str| {
        let inner = format!("{start}{bare_original}{end}</ds:Signature>");
        swap(&original_signature, "</ds:Signature>", &inner)
    };
    vec![
        case(
            "T-SAML-02",
            "XSW3: forged before",
            "two of Assertion",
            replaced(&format!("{evil}{original}")),
        ),
        case(
            "T-SAML-02",
            "XSW3: forged after",
            "two of Assertion",
            replaced(&format!("{original}{evil}")),
        ),
        case("T-SAML-02", "XSW4: forged around", "unusual place", replaced(&evil_with(&original))),
        case(
            "T-SAML-03",
            "XSW5: signature moved to the forged one",
            "two of Assertion",
            replaced(&format!("{}{bare_original}", evil_with(&original_signature))),
        ),
        case(
            "T-SAML-03",
            "XSW6: original inside the signature",
            "unusual place",
            replaced(&evil_with(&original_in("", ""))),
        ),
        case(
            "T-SAML-03",
            "XSW8: original in an Object",
            "unusual place",
            replaced(&evil_with(&original_in("<ds:Object>", "</ds:Object>"))),
        ),
        case(
            "T-SAML-03",
            "XSW7: original in Extensions",
            "unusual place",
            swap(
                &replaced(&evil),
                "<samlp:Status>",
                &format!("<samlp:Extensions>{original}</samlp:Extensions><samlp:Status>"),
            ),
        ),
        case(
            "T-SAML-03",
            "original in StatusDetail",
            "unusual place",
            swap(
                &replaced(&evil),
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{original}</samlp:StatusDetail></samlp:Status>"),
            ),
        ),
        case(
            "T-SAML-03",
            "signature beside the assertion",
            "refers to",
            swap(
                &replaced(&bare_original),
                "<samlp:Status>",
                &format!("{original_signature}<samlp:Status>"),
            ),
        ),
        case(
            "T-SAML-05",
            "two, the first signed",
            "two of Assertion",
            replaced(&format!("{original}{evil}")),
        ),
        case(
            "T-SAML-05",
            "two, the second signed",
            "two of Assertion",
            replaced(&format!("{evil}{original}")),
        ),
        case("T-SAML-05", "two signed ones of different people", "two of Assertion", {
            let other = signed(Sign::Assertion, |xml| {
                swap(&swap(&xml, "alice-7", "bob-8"), "\"_assertion\"", "\"_other\"")
            });
            replaced(&format!("{original}{}", assertion_of(&other)))
        }),
    ]
}
