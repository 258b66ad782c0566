//! Redirect URIs: which are acceptable at all, and which match a registered one
//! (OAuth 2.1 §2.3.1, RFC 8252 §7, RFC 9700 §4.1).

use std::borrow::Cow;
use std::fmt;

use url::{Host, Url};

/// An acceptable redirect URI, kept byte for byte as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    raw: String,
    kind: RedirectKind,
}

/// Where a redirect URI leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// A web server, over https.
    Web {
        /// The host, as shown to the person.
        host: String,
    },
    /// A program on the person's own computer (RFC 8252 §7.3). Any port is the same.
    Loopback {
        /// `127.0.0.1`, `[::1]` or `localhost`. They do not match each other.
        host: String,
        /// Path and query, `/` if there is neither.
        rest: String,
    },
    /// An application that claimed a scheme (RFC 8252 §7.1).
    PrivateUse {
        /// The scheme, such as `cursor`.
        scheme: String,
    },
}

/// What the deployment accepts.
#[derive(Clone, Debug)]
pub struct RedirectPolicy {
    /// Whether loopback redirects are accepted (`oauth.allow_loopback_redirects`).
    pub allow_loopback: bool,
    /// Private-use schemes without a dot that are accepted (`oauth.allowed_redirect_schemes`).
    /// Schemes with a dot (reverse domain names, RFC 8252 §7.1) always are.
    pub allowed_schemes: Vec<String>,
}

/// Why a redirect URI is not acceptable. The text is fit for `error_description`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not a complete URI, or written in a way that parsers would repair (RU-1, RU-7).
    #[error(
        "a redirect URI must be a complete URI in normal form: no fragment, user name, dot \
         segments or unusual characters, and at most 2048 of them"
    )]
    Malformed,
    /// OA-1: plain http leads off this computer.
    #[error("an http redirect URI must lead to 127.0.0.1, [::1] or localhost; use https otherwise")]
    PlainHttp,
    /// Loopback redirects are switched off here.
    #[error("loopback redirect URIs are switched off on this server")]
    LoopbackOff,
    /// RU-5, RU-6: a scheme that is dangerous or that nobody allowed.
    #[error(
        "this redirect URI scheme is not accepted; an administrator can add it to \
         oauth.allowed_redirect_schemes"
    )]
    Scheme,
    /// RU-11: the query already has a parameter of the authorization response.
    #[error("a redirect URI must not contain code, state, iss, error or response parameters")]
    ResponseParameter,
}

/// RU-6: never acceptable, whatever the configuration says.
const FORBIDDEN_SCHEMES: [&str; 14] = [
    "javascript",
    "data",
    "file",
    "vbscript",
    "blob",
    "about",
    "view-source",
    "filesystem",
    "ws",
    "wss",
    "ftp",
    "intent",
    "mailto",
    "chrome",
];

const MAX_LENGTH: usize = 2048;

impl RedirectUri {
    /// Checks a redirect URI against the rules and the deployment's policy.
    pub fn parse(unverified: &str, policy: &RedirectPolicy) -> Result<Self, RedirectUriError> {
        let url = parse_exactly(unverified)?;
        refuse_response_parameters(&url)?;
        let kind = match url.scheme() {
            "https" => web(&url)?,
            "http" => loopback(unverified, &url, policy)?,
            _ => private_use(&url, policy)?,
        };
        Ok(Self { raw: unverified.to_owned(), kind })
    }

    /// A redirect URI as it was stored; it was checked when it came in, and is checked again here.
    pub fn from_stored(text: &str) -> Result<Self, RedirectUriError> {
        let scheme = text.split(':').next().unwrap_or_default().to_owned();
        Self::parse(text, &RedirectPolicy { allow_loopback: true, allowed_schemes: vec![scheme] })
    }

    /// The URI exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Where it leads.
    pub fn kind(&self) -> &RedirectKind {
        &self.kind
    }

    /// What to show to a person: the host, or the scheme of an application.
    pub fn shown_host(&self) -> &str {
        match &self.kind {
            RedirectKind::Web { host } | RedirectKind::Loopback { host, .. } => host,
            RedirectKind::PrivateUse { scheme } => scheme,
        }
    }

    /// Whether a requested URI is this registered one: equal to the byte, except that the port of
    /// a loopback URI does not count (RFC 8252 §7.3; RU-2, RU-3, RU-4).
    pub fn admits(&self, requested: &Self) -> bool {
        match (&self.kind, &requested.kind) {
            (RedirectKind::Loopback { .. }, RedirectKind::Loopback { .. }) => {
                self.kind == requested.kind
            }
            _ => self.raw == requested.raw,
        }
    }

    /// The URI with response parameters added to its query. What was there stays byte for byte.
    pub fn with_params(&self, params: &[(&str, &str)]) -> String {
        let mut out = self.raw.clone();
        for (name, value) in params {
            out.push(if out.contains('?') { '&' } else { '?' });
            out.push_str(name);
            out.push('=');
            out.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        }
        out
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// Accepts only what a WHATWG parser would leave as it is, so that every parser reads the same. The
/// one exception is a default port that is written out, since no parser reads anything else there.
fn parse_exactly(text: &str) -> Result<Url, RedirectUriError> {
    let plain = text.len() <= MAX_LENGTH
        && text.bytes().all(|b| matches!(b, 0x21..=0x7E) && !br#"\"<>^`{|}#"#.contains(&b));
    // A query is data: only what stands before it can be read as another path.
    let before_query = text.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let hidden_path = ["%2e", "%2f", "%5c", "%25", "/..", "..;", "/./"];
    if !plain || hidden_path.iter().any(|trick| before_query.contains(trick)) {
        return Err(RedirectUriError::Malformed);
    }
    let url = Url::parse(text).map_err(|_| RedirectUriError::Malformed)?;
    let portless = without_default_port(text);
    let unrepaired = url.as_str() == portless || url.as_str().strip_suffix('/') == Some(&*portless);
    let anonymous = url.username().is_empty() && url.password().is_none();
    if unrepaired && anonymous && url.port() != Some(0) {
        Ok(url)
    } else {
        Err(RedirectUriError::Malformed)
    }
}

/// The text without the `:443` of https or the `:80` of http.
fn without_default_port(text: &str) -> Cow<'_, str> {
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        let Some(rest) = text.strip_prefix(scheme) else { continue };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if let Some(host) = authority.strip_suffix(port) {
            return Cow::Owned(format!("{scheme}{host}{path}"));
        }
    }
    Cow::Borrowed(text)
}

fn refuse_response_parameters(url: &Url) -> Result<(), RedirectUriError> {
    let reserved = ["code", "state", "iss", "error", "response"];
    if url.query_pairs().any(|(name, _)| reserved.contains(&name.as_ref())) {
        return Err(RedirectUriError::ResponseParameter);
    }
    Ok(())
}

fn web(url: &Url) -> Result<RedirectKind, RedirectUriError> {
    let host = url.host_str().filter(|host| !host.is_empty() && !host.ends_with('.'));
    let host = host.ok_or(RedirectUriError::Malformed)?;
    Ok(RedirectKind::Web { host: host.to_owned() })
}

fn loopback(
    text: &str,
    url: &Url,
    policy: &RedirectPolicy,
) -> Result<RedirectKind, RedirectUriError> {
    let host = match url.host() {
        Some(Host::Domain("localhost")) => "localhost",
        Some(Host::Ipv4(address)) if address.octets() == [127, 0, 0, 1] => "127.0.0.1",
        Some(Host::Ipv6(address)) if address.is_loopback() => "[::1]",
        _ => return Err(RedirectUriError::PlainHttp),
    };
    if !policy.allow_loopback {
        return Err(RedirectUriError::LoopbackOff);
    }
    let after_scheme = text.strip_prefix("http://").ok_or(RedirectUriError::Malformed)?;
    let rest = after_scheme.find(['/', '?']).map_or("/", |start| &after_scheme[start..]);
    Ok(RedirectKind::Loopback { host: host.to_owned(), rest: rest.to_owned() })
}

fn private_use(url: &Url, policy: &RedirectPolicy) -> Result<RedirectKind, RedirectUriError> {
    let scheme = url.scheme();
    let allowed =
        scheme.contains('.') || policy.allowed_schemes.iter().any(|allowed| allowed == scheme);
    if FORBIDDEN_SCHEMES.contains(&scheme) || !allowed {
        return Err(RedirectUriError::Scheme);
    }
    let complete = !url.path().is_empty() || url.host_str().is_some_and(|host| !host.is_empty());
    complete
        .then(|| RedirectKind::PrivateUse { scheme: scheme.to_owned() })
        .ok_or(RedirectUriError::Malformed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn policy() -> RedirectPolicy {
        RedirectPolicy { allow_loopback: true, allowed_schemes: vec!["cursor".into()] }
    }

    fn parse(text: &str) -> Result<RedirectUri, RedirectUriError> {
        RedirectUri::parse(text, &policy())
    }

    /// CL-21: what real clients register.
    #[test]
    fn what_real_clients_use_is_accepted() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:49152/callback",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418",
            "http://[::1]/oauth_callback",
            "http://localhost:3000/?x=1",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/callback",
            "https://h:443/cb",
            "https://h:443",
            "http://127.0.0.1:80/cb",
            "http://[::1]:80",
            "https://h/cb?next=%2Fhome&x=%252e",
            "https://h/cb?next=/a/../b",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    /// T-REG-02 to T-REG-08, T-RU-10 to T-RU-14, RU-6, RU-7.
    #[test]
    fn t_reg_02_to_08_what_is_dangerous_is_refused() {
        for bad in [
            "",
            "/callback",
            "callback",
            "https://h/cb#fragment",
            "http://example.com/cb",
            "https://user:pw@h/cb",
            "http://localhost@evil/cb",
            "https://h\\@evil/cb",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " java\tscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "intent://x#Intent;end",
            "vscode://not.allowed/x",
            "https://h/cb?code=1",
            "https://h/cb?a=1&state=2",
            "https://h/cb?iss=x",
            "https://h/cb?error=x",
            "https://h/a/../cb",
            "https://h/a/..%2fcb",
            "https://h/a/..;/cb",
            "https://h/%252e%252e/cb",
            "https://h/%2e%2e/cb",
            "https:evil",
            "https:///evil",
            "https://h./cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:-1/cb",
            "http://127.0.0.1:80a/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:080/cb",
            "https://h:443:443/cb",
            "https://h:0443/cb",
            "https://:443/cb",
            "https://a@:443/cb",
            "https://h/%2f?next=1",
            "http://127.0.0.2/cb",
            "http://127.1/cb",
            "http://2130706433/cb",
            "http://0.0.0.0/cb",
            "http://[::ffff:127.0.0.1]/cb",
            "http://127.0.0.1.evil.com:1/cb",
            "http://localhost.evil.com/cb",
            "http://[::1].evil/cb",
            "HTTPS://h/cb",
            "https://H/cb",
            "https://b\u{fc}cher.example/cb",
            "https://h/c b",
            "https://h/cb\r\nSet-Cookie: x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&format!("https://h/{}", "a".repeat(5000))).is_err());
    }

    /// T-RU-02 to T-RU-08, T-RU-17, T-RU-18.
    #[test]
    fn t_ru_matching_is_exact_but_for_the_loopback_port() {
        let registered = parse("http://127.0.0.1:33418/callback").unwrap();
        assert!(registered.admits(&parse("http://127.0.0.1:50000/callback").unwrap()));
        assert!(registered.admits(&parse("http://127.0.0.1/callback").unwrap()));
        for other in [
            "http://localhost:33418/callback",
            "http://[::1]:33418/callback",
            "https://127.0.0.1:33418/callback",
            "http://127.0.0.1:33418/callback/",
            "http://127.0.0.1:33418/callback?x=1",
            "http://127.0.0.1:33418/Callback",
        ] {
            assert!(!registered.admits(&parse(other).unwrap()), "{other}");
        }
        let web = parse("https://client.example.com/cb?a=1&b=2").unwrap();
        assert!(web.admits(&parse("https://client.example.com/cb?a=1&b=2").unwrap()));
        for other in [
            "https://client.example.com:8443/cb?a=1&b=2",
            "https://client.example.com/cb?b=2&a=1",
            "https://client.example.com/cb",
            "https://clientxexample.com/cb?a=1&b=2",
            "https://client.example.com.evil.com/cb?a=1&b=2",
        ] {
            assert!(!web.admits(&parse(other).unwrap()), "{other}");
        }
        // A default port that is written out counts like any other byte.
        let port = parse("https://h:443/cb?next=%2F").unwrap();
        assert!(port.admits(&parse("https://h:443/cb?next=%2F").unwrap()));
        for other in
            ["https://h/cb?next=%2F", "https://h:443/cb?next=%2f", "https://h:443/cb?next=/"]
        {
            assert!(!port.admits(&parse(other).unwrap()), "{other}");
        }
        let app = parse("com.example.app:/cb").unwrap();
        assert!(!app.admits(&parse("com.example.app://cb").unwrap()));
    }

    /// RU-11: the registered query survives and parameters are appended to it.
    #[test]
    fn ru_11_response_parameters_are_appended() {
        let uri = parse("https://h/cb?keep=%41").unwrap();
        let with = uri.with_params(&[("code", "a b"), ("iss", "https://as/&x")]);
        assert_eq!(with, "https://h/cb?keep=%41&code=a+b&iss=https%3A%2F%2Fas%2F%26x");
    }
}
