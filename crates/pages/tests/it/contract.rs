//! What forms send, and what a person must be able to see before sending them. Programs outside
//! this project fill these forms in, so the names and values are an interface.

use pages::{
    Asking, Client, ClientTrust, Consent, Earlier, Offer, OpenApp, ScopeChoice, SignIn, Tick,
};
use protocol::Scope;

use crate::html::{Tag, tags, text_after};
use crate::samples::{
    CLAUDE_CODE, CURSOR, LIFETIME, ORDINARY, PEOPLE, RESOURCE, Words, catalogue, consent,
    every_page, open_app, places, sign_in,
};

pub(crate) fn page(name: &str) -> String {
    let found = every_page(&ORDINARY).into_iter().find(|(page, _)| *page == name);
    found.expect("there is a sample of this name").1
}

/// The value of each button, with its name, in the order of the document.
pub(crate) fn buttons(html: &str) -> Vec<(String, String)> {
    let of = |tag: &Tag, name| tag.get(name).unwrap_or_default().to_owned();
    tags(html)
        .iter()
        .filter(|tag| tag.name == "button")
        .map(|tag| (of(tag, "name"), of(tag, "value")))
        .collect()
}

pub(crate) fn pairs(name: &str, values: &[&str]) -> Vec<(String, String)> {
    values.iter().map(|value| (name.to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn has(html: &str, key: &str, value: &str) -> bool {
    tags(html).iter().any(|tag| tag.get(key) == Some(value))
}

/// HD-5: these pages are one POST each, and it carries the token and the transaction.
#[test]
fn hd_5_forms_carry_csrf_and_txn() {
    for (name, action) in [
        ("sign-in-demo", "/sign-in"),
        ("sign-in-providers", "/sign-in"),
        ("consent-loopback", "/authorize/consent"),
        ("consent-organization", "/authorize/consent"),
        ("local-sign-in", "/sign-in/staff"),
        ("second-factor", "/sign-in/staff"),
        ("choose-organization", "/authorize/organization"),
    ] {
        let tags = tags(&page(name));
        let forms: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "form").collect();
        assert_eq!(forms.len(), 1, "{name}");
        assert_eq!(forms[0].get("method"), Some("post"), "{name}");
        assert_eq!(forms[0].get("action"), Some(action), "{name}");
        for hidden in ["csrf", "txn"] {
            let inputs: Vec<&Tag> =
                tags.iter().filter(|tag| tag.is("input", "name", hidden)).collect();
            assert_eq!(inputs.len(), 1, "{name}: {hidden}");
            assert_eq!(inputs[0].get("type"), Some("hidden"), "{name}: {hidden}");
            assert_eq!(inputs[0].get("value"), Some(ORDINARY.token), "{name}: {hidden}");
        }
    }
}

#[test]
fn the_demo_has_a_button_per_person() {
    assert_eq!(buttons(&page("sign-in-demo")), pairs("user", &["basic", "manager", "admin"]));
}

/// CO-1: a click on a provider's button is what starts the upstream redirect.
#[test]
fn co_1_each_provider_has_a_button() {
    let html = page("sign-in-providers");
    assert_eq!(buttons(&html), pairs("provider", &[ORDINARY.token, "portal"]));
}

/// A deployment without a way to sign in says so instead of showing an empty form.
#[test]
fn no_provider_is_a_message() {
    let html = page("sign-in-nothing");
    assert!(buttons(&html).is_empty());
    assert!(has(&html, "role", "alert"));
}

/// The Enter key presses a form's first button, so that one is `allow`.
#[test]
fn consent_offers_allow_then_deny_then_switch() {
    let html = page("consent-loopback");
    assert_eq!(buttons(&html), pairs("decision", &["allow", "deny", "switch"]));
}

/// `mcp:read` is fixed and still sent, since browsers leave
/// disabled controls out; the others are ticked as given.
#[test]
fn consent_scopes_are_checkboxes() {
    let html = page("consent-loopback");
    let tags = tags(&html);
    let state: Vec<(&str, bool, bool)> = tags
        .iter()
        .filter(|tag| tag.is("input", "type", "checkbox"))
        .map(|tag| {
            assert_eq!(tag.get("name"), Some("scope"));
            let scope = tag.get("value").unwrap_or_default();
            (scope, tag.get("checked").is_some(), tag.get("disabled").is_some())
        })
        .collect();
    assert_eq!(
        state,
        [
            ("mcp:read", true, true),
            ("mcp:write", true, false),
            ("mcp:process_admin", false, false),
            ("mcp:admin", false, false),
        ]
    );
    let hidden: Vec<&str> = tags
        .iter()
        .filter(|tag| tag.is("input", "type", "hidden") && tag.is("input", "name", "scope"))
        .filter_map(|tag| tag.get("value"))
        .collect();
    assert_eq!(hidden, ["mcp:read"]);
}

/// The tools stand under the scope that opens them, and only there.
#[test]
fn consent_lists_the_tools_of_each_scope() {
    let places = places();
    let catalogue = catalogue(&ORDINARY);
    let only_write =
        [ScopeChoice { scope: Scope::Write, tick: Tick::On, earlier: Earlier::Nothing }];
    let html = pages::consent(&Consent {
        scopes: &only_write,
        ..consent(&ORDINARY, &places.web, &catalogue)
    });
    assert!(html.contains("2 tools"));
    assert!(html.contains("create_request") && html.contains("Create a request"));
    assert!(!html.contains("list_requests") && !html.contains("admin_get_settings"));
}

/// Without an answer from the catalogue, consent shows the scopes alone.
#[test]
fn consent_works_without_a_catalogue() {
    let html = page("consent-app");
    assert!(!tags(&html).iter().any(|tag| tag.name == "details"));
    assert!(html.contains("mcp:write") && html.contains("Create and change things"));
    assert!(!html.contains("no tools"));
}

/// CO-3, CO-9: the redirect URI in full, its host prominently, the resource and the person.
#[test]
fn co_9_consent_shows_where_the_answer_goes() {
    let html = page("consent-unverified");
    assert_eq!(text_after(&html, "<strong class=\"host\">", "</strong>"), "notes.example.com");
    for shown in [
        "https://notes.example.com/oauth/callback",
        "https://mcp.northwind.example/mcp",
        "Workflow",
        "Ada Moreau",
        "90 days",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
}

/// T-CO-07: a name that nobody checked is marked and does not head the page; the host stands out.
#[test]
fn t_co_07_an_unchecked_name_never_dominates() {
    let places = places();
    let boast = Words { name: "Official Google", ..ORDINARY };
    let asked = pages::consent(&consent(&boast, &places.web, &[]));
    let offered = pages::sign_in(&sign_in(&boast, &places.web, Offer::People(&PEOPLE)));
    for html in [asked, offered] {
        assert!(!text_after(&html, "<h1>", "</h1>").contains("Google"));
        assert!(!text_after(&html, "<p class=\"lede\">", "</p>").contains("Google"));
        let claim = text_after(&html, "<dt>App</dt>", "</dd>");
        assert!(claim.contains("Unverified") && claim.contains("“Official Google”"), "{claim}");
        assert_eq!(text_after(&html, "<strong class=\"host\">", "</strong>"), "notes.example.com");
    }
}

#[test]
fn vouched_names_say_who_vouches() {
    let places = places();
    let client = Client { name: "Ledger", standing: ClientTrust::Registered };
    let html = pages::sign_in(&SignIn {
        asking: Asking::Authorization { client, redirect: &places.web, resource: RESOURCE },
        ..sign_in(&ORDINARY, &places.web, Offer::People(&PEOPLE))
    });
    assert!(text_after(&html, "<dt>App</dt>", "</dd>").contains("Verified"));
    let html = page("consent-loopback");
    assert!(text_after(&html, "<dt>App</dt>", "</dd>").contains("Published by claude.ai"));
}

/// CL-19, RFC 8252 §8.3: whoever else could receive the answer is named.
#[test]
fn consent_warns_about_places_that_anyone_can_claim() {
    let places = places();
    let loopback = pages::consent(&Consent {
        client: CLAUDE_CODE,
        ..consent(&ORDINARY, &places.loopback, &[])
    });
    assert!(loopback.contains("any program here could receive it"));
    let app = pages::consent(&Consent { client: CURSOR, ..consent(&ORDINARY, &places.app, &[]) });
    assert!(app.contains("any app you have installed could claim them"));
    let web = pages::consent(&consent(&ORDINARY, &places.web, &[]));
    assert!(!has(&web, "class", "notice caution"));
    assert!(has(&loopback, "class", "notice caution") && has(&app, "class", "notice caution"));
}

/// T-CO-04: what an earlier consent did not cover is marked.
#[test]
fn t_co_04_consent_marks_what_is_new() {
    assert_eq!(page("consent-loopback").matches(">New<").count(), 1);
    assert_eq!(page("consent-app").matches(">New<").count(), 0);
}

/// Who asks for more is asked about what is new; what it has is ticked.
#[test]
fn consent_for_more_tells_what_is_new() {
    let html = page("consent-more");
    assert!(text_after(&html, "<h1>", "</h1>").contains("asks for more in"), "{html}");
    assert_eq!(html.matches("Already allowed").count(), 2);
    assert_eq!(html.matches(">New<").count(), 1);
    assert_eq!(html.matches(" checked").count(), 2);
    assert!(html.contains("You refused this app a moment ago"));
    assert!(!page("consent-loopback").contains("You refused this app"));
}

#[test]
fn consent_tells_how_access_ends() {
    let places = places();
    let with =
        |lifetime| pages::consent(&Consent { lifetime, ..consent(&ORDINARY, &places.web, &[]) });
    assert!(with(pages::Lifetime { idle: None, ..LIFETIME }).contains("ends after 1 hour"));
    let with_account = with(pages::Lifetime { account_url: Some("/account"), ..LIFETIME });
    assert!(has(&with_account, "href", "/account"));
}

/// CL-18: the way back to an app is a link, and only if asked also a refresh.
#[test]
fn open_app_links_to_the_app() {
    let places = places();
    let by_click = open_app(&ORDINARY, &places.app);
    let at_once = OpenApp { navigation: pages::Navigation::Automatic, ..by_click };
    for (view, refreshes) in [(by_click, false), (at_once, true)] {
        let html = pages::open_app(&view);
        assert!(has(&html, "href", ORDINARY.app_url));
        let refresh = format!("0;url={}", ORDINARY.app_url);
        assert_eq!(has(&html, "content", &refresh), refreshes);
    }
}

/// OAuth 2.1 §7.12: the page before an error goes back names the host and waits for a click.
#[test]
fn interstitial_names_the_host_and_waits() {
    let html = page("interstitial");
    assert!(has(&html, "href", ORDINARY.url));
    assert!(html.contains("Return to notes.example.com"));
    assert!(!tags(&html).iter().any(|tag| tag.get("http-equiv").is_some()));
}

#[test]
fn failure_gives_status_advice_and_reference() {
    let html = page("failure");
    for shown in ["400", ORDINARY.title, ORDINARY.sentence, ORDINARY.advice, ORDINARY.token] {
        assert!(html.contains(shown), "{shown}");
    }
}

/// What a person copies is the command itself.
#[test]
fn connect_commands_can_be_copied() {
    let html = page("connect-demo");
    assert_eq!(
        text_after(&html, "<pre class=\"pick\" tabindex=\"0\">", "</pre>"),
        "claude mcp add --transport http --scope user workflow http://127.0.0.1:8787/mcp"
    );
    assert!(!has(&html, "href", "https://claude.ai/customize/connectors"));
    assert!(tags(&html).iter().any(|tag| {
        tag.get("href").is_some_and(|url| url.starts_with("vscode:mcp/install?%7B%22name%22"))
    }));
}

/// C2: who can leave something out reads how to add it later.
#[test]
fn c2_consent_says_how_to_add_what_was_left_out() {
    let words = "Some apps can't ask again for what you leave unticked";
    assert!(page("consent-loopback").contains(words));
}
