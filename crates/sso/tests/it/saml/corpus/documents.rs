//! Documents that two parsers could read differently, or that are too much for one.

use super::super::idp::{Sign, swap};
use super::super::lab::{good, signed};
use super::{Case, case};

pub(super) fn all() -> Vec<Case> {
    let parts = [namespaces(), round_trips(), limits(), entities()];
    parts.into_iter().flatten().collect()
}

fn namespaces() -> Vec<Case> {
    let response = good(Sign::Response);
    let assertion = good(Sign::Assertion);
    vec![
        case(
            "T-SAML-11",
            "attribute twice",
            "malformed or repeated",
            swap(&response, "ID=\"_response\"", "ID=\"_response\" ID=\"_response\""),
        ),
        case(
            "T-SAML-11",
            "attribute under two prefixes",
            "attribute is there twice",
            swap(
                &assertion,
                "<saml:Subject>",
                "<saml:Subject xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:z=\"1\" b:z=\"2\">",
            ),
        ),
        case(
            "T-SAML-12",
            "an assertion in another namespace",
            "does not belong",
            swap(
                &assertion,
                "<samlp:Status>",
                "<e:Assertion xmlns:e=\"urn:evil\" ID=\"_e\"/><samlp:Status>",
            ),
        ),
        case(
            "T-SAML-12",
            "hidden deep in another namespace",
            "unusual place",
            swap(
                &assertion,
                "<samlp:Status>",
                "<samlp:Extensions><e:x xmlns:e=\"urn:e\"><e:Assertion/></e:x></samlp:Extensions>\
             <samlp:Status>",
            ),
        ),
        case(
            "T-SAML-12",
            "prefix means something else inside",
            "none of the keys",
            swap(&assertion, "<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:evil\">"),
        ),
        case(
            "T-SAML-12",
            "prefix means something else, signed so",
            "has no Subject",
            signed(Sign::Assertion, |xml| {
                swap(&xml, "<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:evil\">")
            }),
        ),
        case(
            "T-SAML-12",
            "prefix without a namespace",
            "prefix without",
            swap(&response, "<samlp:Status>", "<nope:x/><samlp:Status>"),
        ),
        case(
            "T-SAML-12",
            "prefix switched off",
            "prefix without",
            swap(&response, "<samlp:Status>", "<samlp:Status xmlns:q=\"\">"),
        ),
        case(
            "T-SAML-12",
            "the Response is not SAML's",
            "not a Response",
            swap(
                &response,
                "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
                "xmlns:samlp=\"urn:evil\"",
            ),
        ),
        case(
            "T-SAML-13",
            "relative namespace inside",
            "absolute URI",
            swap(&assertion, "<saml:Subject>", "<saml:Subject xmlns:r=\"relative/uri\">"),
        ),
        case(
            "T-SAML-13",
            "relative namespace after signing",
            "absolute URI",
            swap(&response, "<samlp:Response ", "<samlp:Response xmlns:r=\"1\" "),
        ),
        case("T-SAML-13", "digest of nothing", "none of the keys", {
            let xml = good(Sign::Assertion);
            let (start, rest) = xml.split_once("<ds:DigestValue>").unwrap();
            let (_, end) = rest.split_once("</ds:DigestValue>").unwrap();
            let nothing = kernel::encoding::base64(&kernel::encoding::sha256(b""));
            format!("{start}<ds:DigestValue>{nothing}</ds:DigestValue>{end}")
        }),
    ]
}

fn round_trips() -> Vec<Case> {
    let response = good(Sign::Response);
    let inside = |from: &str, to: &str| swap(&response, from, to);
    vec![
        case(
            "T-SAML-14",
            "two colons in a name",
            "not one that SAML uses",
            inside("<samlp:Status>", "<samlp:Status a:b:c=\"\">"),
        ),
        case(
            "T-SAML-14",
            "a name that starts with a colon",
            "not one that SAML uses",
            inside("<samlp:Status>", "<:x/><samlp:Status>"),
        ),
        case(
            "T-SAML-14",
            "directive inside",
            "document type",
            inside("<samlp:Status>", "<!DOCTYPE x><samlp:Status>"),
        ),
        case(
            "T-SAML-14",
            "odd directive",
            "well-formed",
            inside("<samlp:Status>", "<!x \"<!--\" ><samlp:Status>"),
        ),
        case("T-SAML-14", "CDATA in the name", "CDATA", inside("alice-7", "<![CDATA[alice-7]]>")),
        case("T-SAML-14", "comment in the name", "comment", inside("alice-7", "alice<!---->-7")),
        case(
            "T-SAML-14",
            "comment in the name, signed so",
            "comment",
            signed(Sign::Response, |xml| swap(&xml, "alice-7", "alice-7<!---->.evil")),
        ),
        case(
            "T-SAML-14",
            "processing instruction",
            "processing instruction",
            inside("alice-7", "alice<?x?>-7"),
        ),
        case(
            "T-SAML-14",
            "something after the document",
            "after the document",
            format!("{response}<x/>"),
        ),
        case(
            "T-SAML-14",
            "text after the document",
            "outside the document",
            format!("{response}x"),
        ),
        case("T-SAML-14", "not closed", "too early", swap(&response, "</samlp:Response>", "")),
        case(
            "T-SAML-14",
            "declaration in the middle",
            "declaration",
            format!(" <?xml version=\"1.0\"?>{response}"),
        ),
        case(
            "T-SAML-14",
            "another encoding",
            "UTF-8",
            format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{response}"),
        ),
        case(
            "T-SAML-14",
            "attributes run together",
            "space between",
            inside(" Version=\"2.0\"", "Version=\"2.0\""),
        ),
        case("T-SAML-14", "a < in an attribute", "<", inside("\"_session1\"", "\"<\"")),
        case("T-SAML-14", "forbidden character", "character", inside("alice-7", "alice\u{1}")),
        case("T-SAML-14", "forbidden character by number", "entity", inside("alice-7", "&#1;")),
    ]
}

fn limits() -> Vec<Case> {
    let response = good(Sign::Response);
    let inside = |from: &str, to: &str| swap(&response, from, to);
    vec![
        case(
            "T-SAML-14",
            "stray text between the parts",
            "text between",
            inside("<samlp:Status>", "x<samlp:Status>"),
        ),
        case(
            "T-SAML-14",
            "too deep",
            "deeper",
            inside(
                "<samlp:Status>",
                &format!(
                    "<samlp:Extensions>{}{}</samlp:Extensions><samlp:Status>",
                    "<x>".repeat(70),
                    "</x>".repeat(70),
                ),
            ),
        ),
        case(
            "T-SAML-14",
            "too many nodes",
            "nodes",
            inside(
                "<samlp:Status>",
                &format!(
                    "<samlp:Extensions>{}</samlp:Extensions><samlp:Status>",
                    "<x/>".repeat(9_000),
                ),
            ),
        ),
        case(
            "T-SAML-14",
            "too many bytes",
            "bytes",
            inside(
                "<samlp:Status>",
                &format!(
                    "<samlp:Extensions>{}</samlp:Extensions><samlp:Status>",
                    " ".repeat(260_000),
                ),
            ),
        ),
    ]
}

fn entities() -> Vec<Case> {
    let response = good(Sign::Response);
    let typed = |subset: &str, name: &str| {
        let document = format!("<!DOCTYPE r [{subset}]>{response}");
        if name.is_empty() { document } else { swap(&document, "alice-7", name) }
    };
    let laughs = (1..10).fold(String::new(), |all, n| {
        all + &format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))
    });
    vec![
        case(
            "T-SAML-15",
            "an unused document type",
            "document type",
            format!("<!DOCTYPE r>{response}"),
        ),
        case(
            "T-SAML-15",
            "external entity",
            "document type",
            typed("<!ENTITY x SYSTEM \"file:///etc/passwd\">", "&x;"),
        ),
        case(
            "T-SAML-15",
            "external document type",
            "document type",
            format!("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">{response}"),
        ),
        case(
            "T-SAML-15",
            "parameter entity",
            "document type",
            typed("<!ENTITY % p SYSTEM \"http://127.0.0.1:1/p\"> %p;", ""),
        ),
        case(
            "T-SAML-15",
            "billion laughs",
            "document type",
            typed(&format!("<!ENTITY l0 \"ha\">{laughs}"), "&l9;"),
        ),
        case(
            "T-SAML-15",
            "an entity that nobody declared",
            "entity",
            swap(&response, "alice-7", "&x;"),
        ),
        case(
            "T-SAML-15",
            "an entity in an attribute",
            "entity",
            swap(&response, "\"_session1\"", "\"&x;\""),
        ),
    ]
}
