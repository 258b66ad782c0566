//! What ties a person's browser to a transaction.

pub(crate) mod bridge;
pub(crate) mod cookies;
pub(crate) mod csrf;

use axum::http::request::Parts;
use kernel::Plain;
use model::authorization::BrowserBinding;
use model::person::SessionSecret;

/// What a browser presented. Nothing of it is verified yet.
pub(crate) struct Browser {
    pub(crate) binding: Option<Plain<BrowserBinding>>,
    pub(crate) session: Option<Plain<SessionSecret>>,
}

impl Browser {
    /// Reads the cookies of a request.
    pub(crate) fn of(parts: &Parts, names: &cookies::CookieNames) -> Self {
        let value = |name: &str| cookies::value(&parts.headers, name);
        Self {
            binding: value(&names.binding).and_then(Plain::parse),
            session: value(&names.session).and_then(Plain::parse),
        }
    }
}

/// Whether the browser says that it opens a page because the person or a program wants it, and not because
/// another site does (W3C Fetch Metadata). A browser that says nothing does not count, nor does one that
/// only looks ahead.
pub(crate) fn is_own_doing(parts: &Parts) -> bool {
    let says = |name, values: &[&str]| {
        parts.headers.get(name).is_some_and(|said| values.iter().any(|value| said == value))
    };
    says("sec-fetch-site", &["none", "same-origin"])
        && says("sec-fetch-mode", &["navigate"])
        && says("sec-fetch-dest", &["document"])
        && !parts.headers.contains_key("sec-purpose")
}

/// Whether the browser says that another site made it send this request (AZ-15). Browsers that say
/// nothing fall back to the CSRF token.
pub(crate) fn is_cross_site(parts: &Parts) -> bool {
    parts.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// T-CO-09: a page that the person opens, and nothing that a page fetches, frames or looks ahead for.
    #[test]
    fn t_co_09_only_a_page_that_is_opened_is_own_doing() {
        let judge = |site, mode, dest, purpose: Option<&str>| {
            let request = Request::builder()
                .header("sec-fetch-site", site)
                .header("sec-fetch-mode", mode)
                .header("sec-fetch-dest", dest);
            let request = match purpose {
                Some(purpose) => request.header("sec-purpose", purpose),
                None => request,
            };
            is_own_doing(&request.body(()).expect("a request").into_parts().0)
        };
        assert!(judge("none", "navigate", "document", None));
        assert!(judge("same-origin", "navigate", "document", None));
        for (site, mode, dest, purpose) in [
            ("same-site", "navigate", "document", None),
            ("cross-site", "navigate", "document", None),
            ("none", "no-cors", "image", None),
            ("same-origin", "navigate", "iframe", None),
            ("none", "navigate", "document", Some("prefetch")),
            ("none", "navigate", "document", Some("prefetch;prerender")),
        ] {
            assert!(!judge(site, mode, dest, purpose), "{site} {mode} {dest} {purpose:?}");
        }
    }
}
