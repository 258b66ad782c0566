//! Security headers by class of endpoint (HD-1, TK-2, MD-15).

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderName, HeaderValue,
    PRAGMA,
};

/// Public documents: metadata and key sets. Anybody's browser code may read them.
pub fn public_document(headers: &mut HeaderMap) {
    set(headers, CACHE_CONTROL, "public, max-age=300");
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    nosniff(headers);
}

/// Endpoints that programs call: never cached, callable from browser code without cookies.
pub fn client_endpoint(headers: &mut HeaderMap) {
    set(headers, CACHE_CONTROL, "no-store");
    set(headers, PRAGMA, "no-cache");
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, Retry-After");
    nosniff(headers);
}

/// Takes an answer to a program back from browser code, where only servers are to call.
pub fn not_for_browsers(headers: &mut HeaderMap) {
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
}

/// The answer to a preflight for documents and client endpoints.
pub fn preflight(headers: &mut HeaderMap) {
    client_endpoint(headers);
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
    set(headers, ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Authorization, MCP-Protocol-Version");
    set(headers, ACCESS_CONTROL_MAX_AGE, "7200");
}

/// Whether a page's form may lead to another site. Chromium applies `form-action` to every hop of
/// the redirect that answers a form, so pages whose form ends at a client or an identity provider
/// cannot carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormTarget {
    /// Forms stay here.
    OwnSite,
    /// The form's answer redirects off-site.
    OffSite,
}

/// Pages for people: no scripts, no frames, no referrer, no cache (HD-1). `style_hash` is the CSP
/// source of the page's one inline style sheet.
pub fn page(headers: &mut HeaderMap, style_hash: &str, form_target: FormTarget) {
    let form_action = match form_target {
        FormTarget::OwnSite => "; form-action 'self'",
        FormTarget::OffSite => "",
    };
    let policy = format!(
        "default-src 'none'; style-src {style_hash}; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'{form_action}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert("content-security-policy", policy);
    }
    set(headers, CACHE_CONTROL, "no-store");
    set(headers, HeaderName::from_static("x-frame-options"), "DENY");
    set(headers, HeaderName::from_static("referrer-policy"), "no-referrer");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    nosniff(headers);
}

/// `X-Content-Type-Options: nosniff`.
pub fn nosniff(headers: &mut HeaderMap) {
    set(headers, HeaderName::from_static("x-content-type-options"), "nosniff");
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
