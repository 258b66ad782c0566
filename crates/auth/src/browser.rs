//! What ties a person's browser to a transaction.

pub(crate) mod bridge;
pub(crate) mod cookies;
pub(crate) mod csrf;

use axum::http::HeaderValue;
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

/// Whether the browser says that no foreign site made it send this request: the person typed or clicked it
/// here, or a program opened it. Browsers that say nothing do not count.
pub(crate) fn is_own_doing(parts: &Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"none" | b"same-origin" | b"same-site"))
}

/// Whether the browser says that another site made it send this request (AZ-15). Browsers that say
/// nothing fall back to the CSRF token.
pub(crate) fn is_cross_site(parts: &Parts) -> bool {
    parts.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}
