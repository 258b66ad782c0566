//! The forms on which people prove who they are and look after their account. Their names and
//! values are an interface, like those in `contract`.

use crate::contract::{buttons, has, page, pairs};
use crate::html::{Tag, tags, text_after};
use crate::samples::ORDINARY;

fn forms(html: &str) -> Vec<String> {
    let of = |tag: &Tag| tag.get("action").unwrap_or_default().to_owned();
    tags(html).iter().filter(|tag| tag.name == "form").map(of).collect()
}

fn input(html: &str, name: &str) -> Tag {
    let found = tags(html).into_iter().find(|tag| tag.is("input", "name", name));
    found.unwrap_or_else(|| panic!("no field {name}"))
}

fn values<'a>(tags: &'a [Tag], name: &str) -> Vec<&'a str> {
    tags.iter()
        .filter(|tag| tag.is("input", "name", name))
        .filter_map(|tag| tag.get("value"))
        .collect()
}

/// Home-realm discovery has a form of its own, first, so that neither an empty address stands in
/// the way of a provider's button nor the Enter key presses one.
#[test]
fn an_email_address_can_name_the_provider() {
    let html = page("sign-in-by-email");
    assert_eq!(forms(&html), ["/sign-in", "/sign-in"]);
    let expected = [pairs("", &[""]), pairs("provider", &[ORDINARY.token, "portal"])].concat();
    assert_eq!(buttons(&html), expected);
    let email = input(&html, "email");
    assert_eq!(email.get("type"), Some("email"));
    assert!(email.get("required").is_some());
    let tags = tags(&html);
    for hidden in ["csrf", "txn"] {
        assert_eq!(values(&tags, hidden), [ORDINARY.token; 2], "{hidden}");
    }
}

/// Without a client there is no transaction, nobody who asks, and still a token (HD-5).
#[test]
fn the_account_is_signed_in_to_without_a_client() {
    for name in ["sign-in-account", "local-sign-in-again"] {
        let html = page(name);
        assert!(!has(&html, "name", "txn"), "{name}");
        assert!(has(&html, "name", "csrf"), "{name}");
        assert!(!html.contains("Returns to") && !html.contains("asks for access"), "{name}");
    }
}

#[test]
fn local_sign_in_asks_for_user_name_and_password() {
    let html = page("local-sign-in");
    for (name, kind, autocomplete) in
        [("username", "text", "username"), ("password", "password", "current-password")]
    {
        let field = input(&html, name);
        assert_eq!(field.get("type"), Some(kind));
        assert_eq!(field.get("autocomplete"), Some(autocomplete));
        assert!(field.get("required").is_some());
    }
    assert!(has(&html, "href", "/sign-in?txn=x"));
    assert!(html.contains("Claude Code") && html.contains("asks for access to Workflow"));
}

/// A second attempt keeps the user name and never the password.
#[test]
fn a_second_attempt_types_the_password_again() {
    let html = page("local-sign-in-again");
    assert_eq!(input(&html, "username").get("value"), Some(ORDINARY.token));
    assert_eq!(input(&html, "password").get("value"), None);
    assert!(has(&html, "role", "alert"));
    assert!(!has(&page("local-sign-in"), "role", "alert"));
}

#[test]
fn the_second_factor_is_a_one_time_code() {
    let html = page("second-factor");
    let code = input(&html, "code");
    assert_eq!(code.get("inputmode"), Some("numeric"));
    assert_eq!(code.get("autocomplete"), Some("one-time-code"));
    assert_eq!(input(&html, "ticket").get("type"), Some("hidden"));
    assert_eq!(input(&html, "ticket").get("value"), Some(ORDINARY.token));
}

#[test]
fn each_organization_has_a_button_and_the_last_choice_is_marked() {
    let html = page("choose-organization");
    let organizations = ["Northwind AB", ORDINARY.name, "Contoso Logistics GmbH"];
    // O12: and two ways out for who does not want to choose.
    let ways_out = pairs("decision", &["deny", "switch"]);
    assert_eq!(buttons(&html), [pairs("organization", &organizations), ways_out].concat());
    assert_eq!(html.matches(">Last used<").count(), 1);
    let marked = format!("value=\"{}\"", ORDINARY.name);
    assert!(text_after(&html, &format!("{marked}>"), "</button>").contains("Last used"));
    // T-CO-07: the client that asks is one that nobody vouches for.
    assert!(text_after(&html, "<p class=\"lede\">", "</p>").starts_with("An unverified app"));
}

/// Consent says for which organization; the first button is still `allow`.
#[test]
fn consent_shows_the_organization_and_how_to_change_it() {
    let html = page("consent-organization");
    let decisions = ["allow", "deny", "organization", "switch"];
    assert_eq!(buttons(&html), pairs("decision", &decisions));
    assert_eq!(input(&html, "organization").get("type"), Some("hidden"));
    assert_eq!(input(&html, "organization").get("value"), Some(ORDINARY.name));
    assert!(text_after(&html, "<p class=\"lede\">", "</p>").contains(ORDINARY.name));
    let only_one = page("consent-app");
    assert_eq!(buttons(&only_one), pairs("decision", &["allow", "deny", "switch"]));
    assert!(text_after(&only_one, "<p class=\"lede\">", "</p>").contains("Northwind AB"));
    assert!(!has(&page("consent-unverified"), "name", "organization"));
}

/// SAML bindings §3.5: a page for SAML's POST binding has a button that a person presses. It
/// carries what it is given and none of our own tokens.
#[test]
fn upstream_post_waits_for_a_click_and_carries_its_fields_only() {
    let html = page("upstream-post");
    assert_eq!(forms(&html), [ORDINARY.url]);
    assert_eq!(buttons(&html), pairs("", &[""]));
    let tags = tags(&html);
    let names: Vec<&str> =
        tags.iter().filter(|tag| tag.name == "input").filter_map(|tag| tag.get("name")).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState"]);
    assert_eq!(values(&tags, "RelayState"), [ORDINARY.token]);
}

/// HD-5: the account page's forms, each with the token.
#[test]
fn hd_5_the_account_can_disconnect_switch_and_sign_out() {
    let html = page("account");
    let actions = ["/account/sign-out", "/account/organization", "/account/disconnect"];
    assert_eq!(forms(&html), actions);
    assert_eq!(values(&tags(&html), "csrf"), [ORDINARY.token; 3]);
    let expected = [
        pairs("", &[""]),
        // Not the current one.
        pairs("organization", &["Northwind AB"]),
        pairs("grant", &["grt_1", ORDINARY.token, "grt_3"]),
    ];
    assert_eq!(buttons(&html), expected.concat());
    for shown in ["Create and change things", "on 4 May 2026", "this computer", "Manager"] {
        assert!(html.contains(shown), "{shown}");
    }
    let empty = page("account-new");
    assert_eq!(forms(&empty), ["/account/sign-out"]);
    assert!(empty.contains("Northwind AB") && empty.contains("No app is connected"));
}

/// T-CO-07 on the account page: an unchecked name is marked, and its host is what stands out.
#[test]
fn t_co_07_connections_mark_unchecked_names() {
    let html = page("account");
    let unchecked = text_after(&html, "<p id=\"app-2\">", "</p>");
    assert!(unchecked.contains("Unverified") && unchecked.contains("“Release Notes Helper”"));
    assert!(!html.contains("<p id=\"app-2\"><strong>"));
    assert!(html.contains("<strong>notes.example.com</strong>"));
}

/// LO-2: the session at the provider ends at the provider, by the person's own click.
#[test]
fn lo_2_signing_out_offers_the_provider_too() {
    let html = page("signed-out-provider");
    assert!(has(&html, "href", ORDINARY.url) && has(&html, "rel", "noreferrer"));
    assert!(!has(&page("signed-out"), "rel", "noreferrer"));
}

/// O12: the first empty field of a form waits for the person.
#[test]
fn o12_the_field_to_fill_in_has_the_focus() {
    let focused = |name: &str| -> Vec<String> {
        let of = |tag: &Tag| tag.get("id").unwrap_or_default().to_owned();
        tags(&page(name)).iter().filter(|tag| tag.get("autofocus").is_some()).map(of).collect()
    };
    assert_eq!(focused("local-sign-in"), ["username"]);
    assert_eq!(focused("local-sign-in-again"), ["password"]);
    assert_eq!(focused("second-factor"), ["code"]);
}

/// O12: what has been disconnected is confirmed, and its unchecked name is marked there too; the
/// pages about connections lead to each other.
#[test]
fn o12_disconnecting_is_confirmed_and_pages_lead_on() {
    let html = page("account");
    let notice = text_after(&html, "<p class=\"notice\" role=\"status\">", "</p>");
    assert!(notice.contains("of “Release Notes Helper” has ended"), "{notice}");
    assert!(has(&html, "href", "/connect"));
    assert!(!page("account-new").contains("has ended"));
    assert!(has(&page("connect-public"), "href", "/account"));
}
