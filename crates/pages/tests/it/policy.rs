//! What the browser is told a page may do, and that the page asks for no more.

use kernel::encoding::{base64, sha256};

use crate::html::{Tag, style_of, tags};
use crate::samples::{ORDINARY, every_page};

/// HD-1: the policy that callers send names exactly the stylesheet that is in the page.
#[test]
fn hd_1_the_style_hash_is_that_of_every_page() {
    for (name, html) in every_page(&ORDINARY) {
        let hash = format!("sha256-{}", base64(&sha256(style_of(&html).as_bytes())));
        assert_eq!(hash, pages::style_hash(), "{name}");
        assert_eq!(html.matches("<style").count(), 1, "{name}");
    }
}

/// HD-1: nothing on a page needs a script, another response or an inline style.
#[test]
fn hd_1_pages_load_nothing_and_run_nothing() {
    const ALLOWED: [&str; 37] = [
        "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
        "svg", "path", "div", "span", "p", "h1", "h2", "dl", "dt", "dd", "ul", "li", "strong",
        "code", "pre", "bdi", "a", "form", "fieldset", "legend", "input", "label", "button",
        "details", "summary", "em", "small",
    ];
    for (name, html) in every_page(&ORDINARY) {
        assert!(!html.to_ascii_lowercase().contains("<script"), "{name}");
        for tag in tags(&html) {
            assert!(ALLOWED.contains(&tag.name.as_str()), "{name}: {tag}");
            for (attribute, _) in &tag.attributes {
                assert!(!attribute.starts_with("on"), "{name}: {tag}");
                assert!(
                    !["style", "src", "srcset", "formaction", "target"]
                        .contains(&attribute.as_str()),
                    "{name}: {tag}"
                );
            }
            // O12: what a person types into may be ready for it. Never a button, where a stray
            // Enter would decide, and nothing where a script could wait for the focus.
            let typed_into = ["username", "password", "code"];
            assert!(
                tag.get("autofocus").is_none()
                    || tag.name == "input"
                        && tag.get("id").is_some_and(|id| typed_into.contains(&id)),
                "{name}: {tag}"
            );
            assert!(tag.get("href").is_none() || tag.name == "a", "{name}: {tag}");
        }
        let style = style_of(&html);
        assert!(!style.contains("url(") && !style.contains("@import"), "{name}");
        // Markup inside the stylesheet would end it early and change its hash.
        assert!(!style.contains('<'), "{name}");
    }
}

/// Each page can be read aloud, zoomed and found by its heading.
#[test]
fn pages_are_accessible() {
    for (name, html) in every_page(&ORDINARY) {
        let tags = tags(&html);
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(tags.iter().any(|tag| tag.is("html", "lang", "en")), "{name}");
        assert!(tags.iter().any(|tag| tag.is("meta", "name", "viewport")), "{name}");
        for single in ["h1", "title", "main"] {
            assert_eq!(tags.iter().filter(|tag| tag.name == single).count(), 1, "{name}: {single}");
        }
        for control in tags.iter().filter(|tag| tag.is("input", "type", "checkbox")) {
            let id = control.get("id").expect("a checkbox has an id");
            assert!(tags.iter().any(|tag| tag.is("label", "for", id)), "{name}: {id}");
            let about = control.get("aria-describedby").expect("a checkbox is explained");
            assert!(tags.iter().any(|tag| tag.get("id") == Some(about)), "{name}: {about}");
        }
        let typed = |tag: &&Tag| {
            ["text", "email", "password"].iter().any(|kind| tag.is("input", "type", kind))
        };
        for field in tags.iter().filter(typed) {
            let id = field.get("id").expect("a field has an id");
            assert!(tags.iter().any(|tag| tag.is("label", "for", id)), "{name}: {id}");
            assert!(field.get("autocomplete").is_some(), "{name}: {id}");
        }
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{name}: {id} twice");
        }
        for reference in ["aria-labelledby", "aria-describedby"] {
            let referred = tags.iter().filter_map(|tag| tag.get(reference));
            for id in referred.flat_map(str::split_whitespace) {
                assert!(ids.contains(&id), "{name}: {reference} {id}");
            }
        }
    }
}

/// The pages keep to their promise of two colour schemes and of holding still when asked.
#[test]
fn the_style_respects_preferences() {
    let (_, html) = every_page(&ORDINARY).remove(0);
    for query in ["prefers-color-scheme: dark", "prefers-reduced-motion", ":focus-visible"] {
        assert!(style_of(&html).contains(query), "{query}");
    }
}
