//! Text that other people chose stays text.

use pages::{Interstitial, Navigation, OpenApp, ProviderSignOut, SignedOut, UpstreamPost};

use crate::html::{Tag, tags};
use crate::samples::{CLAUDE_CODE, CURSOR, ORDINARY, Words, consent, every_page, places};

/// What an attacker would put into each place, without spaces so that commands keep their words.
const HOSTILE: Words<'static> = Words {
    name: "\u{202E}\"'><img/src=x/onerror=alert(1)></title></style><script>alert(1)</script>\n\u{1b}[31m",
    title: "</title><svg/onload=alert(1)>&lt;{{7*7}}{%x%}",
    sentence: "</p></main><form/action=https://evil.example><input/name=password>",
    advice: "<!--<a/href=javascript:alert(1)>",
    key: "gw\"><b>'$(id)`id`;&&x",
    url: "https://notes.example.com/cb?x=\"><script>alert(1)</script>&'y=<b>",
    app_url: "cursor://x/\"><meta/http-equiv=refresh/content=0;url=https://evil.example>'",
    token: "\"><input/name=\"decision\"/value=\"allow\">'",
};

fn shape(tags: &[Tag]) -> Vec<String> {
    tags.iter().map(ToString::to_string).collect()
}

/// T-REG-15, T-CO-07, T-LOG-02: hostile text adds no element and no attribute to any page. The
/// pages have the same tags as on an ordinary day, in the same order.
#[test]
fn t_reg_15_hostile_text_changes_no_page_structure() {
    let ordinary = every_page(&ORDINARY);
    let hostile = every_page(&HOSTILE);
    assert_eq!(ordinary.len(), hostile.len());
    for ((name, ordinary), (_, hostile)) in ordinary.iter().zip(&hostile) {
        assert_eq!(shape(&tags(ordinary)), shape(&tags(hostile)), "{name}");
        assert!(!hostile.contains("<img") && !hostile.contains("<script"), "{name}");
    }
}

/// T-REG-15: a name that reorders what stands after it is isolated wherever it is shown.
#[test]
fn t_reg_15_a_clients_name_is_isolated_wherever_it_is_shown() {
    let places = places();
    let html = pages::consent(&consent(&HOSTILE, &places.web, &[]));
    let escaped = "\u{202E}&#34;&#39;&#62;&#60;img/src";
    assert!(html.contains(escaped));
    assert_eq!(html.matches(escaped).count(), html.matches(&format!("<bdi>{escaped}")).count());
}

/// The same holds for the name of an organization: another company's administrator chose it.
#[test]
fn an_organizations_name_is_isolated_wherever_it_is_shown() {
    let hostile = every_page(&HOSTILE);
    for page in ["choose-organization", "consent-organization", "account"] {
        let (_, html) = hostile.iter().find(|(name, _)| *name == page).expect("it is a sample");
        let shown = html.matches(">\u{202E}&#34;").count();
        assert!(shown > 0, "{page}");
        assert_eq!(shown, html.matches("<bdi>\u{202E}&#34;").count(), "{page}");
    }
}

/// The form's values arrive at the server as they were given.
#[test]
fn hidden_values_survive_the_page() {
    let places = places();
    let html = pages::consent(&consent(&HOSTILE, &places.web, &[]));
    for name in ["csrf", "txn"] {
        assert!(
            tags(&html)
                .iter()
                .any(|tag| tag.is("input", "name", name) && tag.is("input", "value", HOSTILE.token)),
            "{name}"
        );
    }
}

/// The provider's metadata names the place that a message is posted to, and its discovery
/// document the place to sign out at. Neither may run code here or lead into an application.
#[test]
fn a_provider_url_that_is_no_web_address_goes_nowhere() {
    let deployment = pages::Deployment { title: "t" };
    let fields = [("SAMLRequest", "x".to_owned())];
    for url in [
        "javascript:alert(1)//",
        "JavaScript://x/%0aalert(1)",
        "data:text/html,x",
        "cursor://x",
        "/x",
        "",
    ] {
        let post = UpstreamPost { deployment, provider_name: "p", url, fields: &fields };
        let html = pages::upstream_post(&post);
        assert!(
            !tags(&html).iter().any(|tag| ["form", "button"].contains(&tag.name.as_str())),
            "{url}"
        );
        let at_provider = Some(ProviderSignOut { provider_name: "p", url });
        let html = pages::signed_out(&SignedOut { deployment, at_provider });
        assert!(!tags(&html).iter().any(|tag| tag.get("href").is_some()), "{url}");
    }
}

/// What `Debug` shows may end in a log (T-LOG-01).
#[test]
fn debug_output_holds_no_secret() {
    let deployment = pages::Deployment { title: "t" };
    let form = pages::Form { action: "/a", csrf: "secret", txn: Some("secret") };
    let fields = [("RelayState", "secret".to_owned())];
    let url = "https://idp.example/out?id_token_hint=secret";
    let shown = format!(
        "{:?} {:?} {:?} {form:?}",
        UpstreamPost {
            deployment,
            provider_name: "p",
            url: "https://idp.example",
            fields: &fields
        },
        SignedOut { deployment, at_provider: Some(ProviderSignOut { provider_name: "p", url }) },
        pages::SecondFactor { deployment, form, ticket: "secret", notice: None },
    );
    assert!(!shown.contains("secret"), "{shown}");
}

/// RU-6 once more, at the last moment: a return URL that runs code is never a link, and never
/// where the page goes by itself.
#[test]
fn a_return_url_that_runs_code_is_not_a_link() {
    let places = places();
    for url in ["javascript:alert(1)", "data:text/html,<b>", "JAVASCRIPT:x", " javascript:x", "x"] {
        let interstitial = pages::interstitial(&Interstitial {
            deployment: pages::Deployment { title: "t" },
            client: CURSOR,
            redirect: &places.web,
            what_happened: "w",
            return_url: url,
        });
        let open_app = pages::open_app(&OpenApp {
            deployment: pages::Deployment { title: "t" },
            client: CLAUDE_CODE,
            redirect: &places.app,
            return_url: url,
            navigation: Navigation::Automatic,
        });
        for html in [interstitial, open_app] {
            assert!(!tags(&html).iter().any(|tag| tag.get("href").is_some()), "{url}");
            assert!(!tags(&html).iter().any(|tag| tag.get("http-equiv").is_some()), "{url}");
        }
    }
}
