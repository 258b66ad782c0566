//! Genuine answers that are not for us, not for now, or not an acceptance.

use super::super::idp::{Answer, ENTITY_ID, NOW, Sign, Signature, moment, swap};
use super::super::lab::{answer, keys, signed};
use super::{Case, case, changed};

pub(super) fn all() -> Vec<Case> {
    let parts = [fields(), times(), requests(), statuses()];
    parts.into_iter().flatten().collect()
}

fn fields() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |name, because, from: &'static str, to: &'static str| {
        changed(&mut all, "T-SAML-18", name, because, move |xml| swap(&xml, from, to));
    };
    let acs = " Destination=\"https://gate.example.com/saml/corp/acs\"";
    add("Destination of another", "Destination", acs, " Destination=\"https://other.example/acs\"");
    add("empty Destination", "Destination", acs, " Destination=\"\"");
    let recipient = " Recipient=\"https://gate.example.com/saml/corp/acs\"";
    add("Recipient of another", "Recipient", recipient, " Recipient=\"https://other.example/\"");
    add("no Recipient", "Recipient", recipient, "");
    let audience = "<saml:Audience>https://gate.example.com/saml/corp</saml:Audience>";
    add("Audience of another", "Audience", audience, "<saml:Audience>urn:other</saml:Audience>");
    add(
        "the beginning of our Audience",
        "Audience",
        audience,
        "<saml:Audience>https://gate.example.com/saml/corp/acs</saml:Audience>",
    );
    add(
        "two restrictions, one of another",
        "Audience",
        "</saml:Conditions>",
        "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience>\
         </saml:AudienceRestriction></saml:Conditions>",
    );
    add(
        "a condition nobody knows",
        "condition",
        "</saml:Conditions>",
        "<saml:Condition xmlns:x=\"urn:x\" x:y=\"z\"/></saml:Conditions>",
    );
    add(
        "Version of the response",
        "not version",
        "ID=\"_response\" Version=\"2.0\"",
        "ID=\"_response\" Version=\"1.1\"",
    );
    add(
        "Version of the assertion",
        "not version",
        "ID=\"_assertion\" Version=\"2.0\"",
        "ID=\"_assertion\" Version=\"2.1\"",
    );
    add(
        "Issuer of the response",
        "Issuer",
        "<saml:Issuer>https://idp.example.com/metadata",
        "<saml:Issuer>https://other.example",
    );
    add(
        "Issuer of a kind that is no entity",
        "Issuer",
        "<saml:Issuer>",
        "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">",
    );
    let edit = |edit: fn(String) -> String| edit;
    let issuer = edit(|xml| {
        let (start, end) = xml.split_at(xml.find("<saml:Assertion").unwrap());
        format!("{start}{}", swap(end, ENTITY_ID, "https://other.example"))
    });
    changed(&mut all, "T-SAML-18", "Issuer of the assertion", "Issuer", issuer);
    let no_restriction = edit(|xml| {
        let (start, rest) = xml.split_once("<saml:AudienceRestriction>").unwrap();
        format!("{start}{}", rest.split_once("</saml:AudienceRestriction>").unwrap().1)
    });
    changed(&mut all, "T-SAML-18", "no AudienceRestriction", "for whom", no_restriction);
    let no_conditions = edit(|xml| {
        let (start, rest) = xml.split_once("<saml:Conditions ").unwrap();
        format!("{start}{}", rest.split_once("</saml:Conditions>").unwrap().1)
    });
    changed(&mut all, "T-SAML-18", "no Conditions", "no Conditions", no_conditions);
    let no_statement = edit(|xml| {
        let (start, rest) = xml.split_once("<saml:AuthnStatement ").unwrap();
        format!("{start}{}", rest.split_once("</saml:AuthnStatement>").unwrap().1)
    });
    changed(&mut all, "T-SAML-18", "no AuthnStatement", "AuthnStatement", no_statement);
    // SA-8: without one only if the response is not signed.
    for sign in [Sign::Response, Sign::Both] {
        let xml = signed(sign, |xml| swap(&xml, acs, ""));
        all.push(case("T-SAML-18", "no Destination", "Destination", xml));
    }
    all
}

fn times() -> Vec<Case> {
    let mut all = Vec::new();
    let at = |now: i64| {
        let keys = &keys().idp;
        Answer { now, ..answer() }.signed(keys, Sign::Assertion, &Signature::default(), |xml| xml)
    };
    all.push(case("T-SAML-19", "an answer of ten minutes ago", "good until", at(NOW - 600)));
    all.push(case("T-SAML-19", "an answer from the future", "ahead of ours", at(NOW + 600)));
    let until = moment(NOW + 300);
    let late = |seconds: i64| format!("NotOnOrAfter=\"{}\"", moment(NOW - seconds));
    let now_until = format!("NotOnOrAfter=\"{until}\"");
    let (now_until, over, just) = (&now_until, &late(121), &late(120));
    let mut add = |name, because, edit: &dyn Fn(String) -> String| {
        changed(&mut all, "T-SAML-19", name, because, edit);
    };
    add("confirmation over", "good until", &|xml| swap(&xml, now_until, over));
    add("confirmation over to the second", "good until", &|xml| swap(&xml, now_until, just));
    add("confirmation without an end", "until when", &|xml| swap(&xml, now_until, ""));
    add("an end that is not a moment", "not a moment", &|xml| {
        swap(&xml, now_until, "NotOnOrAfter=\"x\"")
    });
    add("an end in another zone", "not a moment", &|xml| {
        swap(&xml, now_until, "NotOnOrAfter=\"2036-01-01T00:00:00+02:00\"")
    });
    add("confirmation with NotBefore", "must not have NotBefore", &|xml| {
        swap(&xml, now_until, &format!("NotBefore=\"{}\" {now_until}", moment(NOW - 60)))
    });
    add("conditions over", "good until", &|xml| {
        let (start, end) = xml.split_at(xml.find("<saml:Conditions").unwrap());
        format!("{start}{}", swap(end, now_until, over))
    });
    add("conditions without an end", "until when", &|xml| {
        let (start, end) = xml.split_at(xml.find("<saml:Conditions").unwrap());
        format!("{start}{}", swap(end, now_until, ""))
    });
    add("conditions not begun", "not valid for another", &|xml| {
        let from = format!("NotBefore=\"{}\"", moment(NOW - 60));
        swap(&xml, &from, &format!("NotBefore=\"{}\"", moment(NOW + 121)))
    });
    add("the session is over", "good until", &|xml| {
        let end = format!("SessionNotOnOrAfter=\"{}\"", moment(NOW + 28_800));
        swap(&xml, &end, &format!("SessionNotOnOrAfter=\"{}\"", moment(NOW - 200)))
    });
    add("no confirmation", "no bearer", &|xml| {
        let (start, rest) = xml.split_once("<saml:SubjectConfirmation ").unwrap();
        format!("{start}{}", rest.split_once("</saml:SubjectConfirmation>").unwrap().1)
    });
    add("no confirmation data", "no SubjectConfirmationData", &|xml| {
        let (start, rest) = xml.split_once("<saml:SubjectConfirmationData ").unwrap();
        format!("{start}{}", rest.split_once("/>").unwrap().1)
    });
    add("holder of key", "no bearer", &|xml| swap(&xml, "cm:bearer", "cm:holder-of-key"));
    add("sender vouches", "no bearer", &|xml| swap(&xml, "cm:bearer", "cm:sender-vouches"));
    all
}

fn requests() -> Vec<Case> {
    let mut all = Vec::new();
    let request = format!(" InResponseTo=\"{}\"", answer().request_id);
    let request = request.as_str();
    let other = " InResponseTo=\"_ffffffffffffffffffffffffffffffff\"";
    let inner = |xml: &str, to: &str| {
        let (start, end) = xml.split_at(xml.find("<saml:Assertion").unwrap());
        format!("{start}{}", swap(end, request, to))
    };
    let mut add = |row, name, because, edit: &dyn Fn(String) -> String| {
        changed(&mut all, row, name, because, edit);
    };
    add("T-SAML-20", "response answers nothing", "InResponseTo", &|xml| swap(&xml, request, ""));
    add("T-SAML-20", "response answers another", "InResponseTo", &|xml| swap(&xml, request, other));
    add("T-SAML-20", "assertion answers nothing", "answers", &|xml| inner(&xml, ""));
    add("T-SAML-20", "assertion answers another", "answers", &|xml| inner(&xml, other));
    add("T-SAML-21", "nobody asked", "InResponseTo", &|xml| inner(&swap(&xml, request, ""), ""));
    all
}

fn statuses() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |name, because, to: &'static str| {
        changed(&mut all, "T-SAML-25", name, because, move |xml| {
            swap(&xml, "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>", to)
        });
    };
    add(
        "Responder, with an assertion",
        "answered Responder",
        "Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"/>",
    );
    add(
        "AuthnFailed, with an assertion",
        "answered AuthnFailed",
        "Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\"/></samlp:StatusCode>",
    );
    add("no value", "answered", "/>");
    all
}
