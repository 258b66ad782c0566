//! Which clients may register themselves where not everyone may: those whose redirect URIs an
//! administrator expects (RG-17).

use crate::redirect_uri::{RedirectKind, RedirectPolicy, RedirectUri};

/// What redirect URIs may look like (`oauth.registration.allowed_redirects`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedRedirects(Vec<Allowed>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    /// This URI; of a loopback one, any port (RFC 8252 §7.3).
    Exactly(RedirectUri),
    /// Any path below this origin; on loopback, any port of this host.
    Below(RedirectUri),
    /// Any URI of an application's own scheme.
    Scheme(String),
}

/// What an entry of the list may be. The text says how to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a whole redirect URI, an origin without a path like https://claude.ai or \
     http://localhost, or a scheme with a colon like cursor:"
)]
pub struct NotAllowable;

impl AllowedRedirects {
    /// Reads the entries, or says which of them cannot be one.
    pub fn parse<'t>(
        entries: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, (&'t str, NotAllowable)> {
        let read = |text: &'t str| Allowed::parse(text).ok_or((text, NotAllowable));
        entries.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is on the list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a client may register with this redirect URI.
    pub fn admits(&self, redirect: &RedirectUri) -> bool {
        self.0.iter().any(|allowed| allowed.admits(redirect))
    }
}

impl Allowed {
    fn parse(text: &str) -> Option<Self> {
        if let Some(scheme) = text.strip_suffix(':').or_else(|| text.strip_suffix("://")) {
            // The rules for redirect URIs say which schemes there may be.
            let kind = parse(&format!("{scheme}://x"))?.kind().clone();
            let own = matches!(kind, RedirectKind::PrivateUse { .. });
            return own.then(|| Self::Scheme(scheme.to_owned()));
        }
        let uri = parse(text)?;
        let is_origin = match uri.kind() {
            RedirectKind::Web { .. } | RedirectKind::Loopback { .. } => {
                text.matches('/').count() == 2 && !text.contains('?')
            }
            RedirectKind::PrivateUse { .. } => false,
        };
        Some(if is_origin { Self::Below(uri) } else { Self::Exactly(uri) })
    }

    fn admits(&self, redirect: &RedirectUri) -> bool {
        match (self, redirect.kind()) {
            (Self::Exactly(uri), _) => uri.admits(redirect),
            (Self::Scheme(own), RedirectKind::PrivateUse { scheme }) => own == scheme,
            (Self::Below(origin), RedirectKind::Loopback { host, .. }) => {
                matches!(origin.kind(), RedirectKind::Loopback { host: own, .. } if own == host)
            }
            // Both are in normal form, so what follows the origin is a path, a query or nothing.
            (Self::Below(origin), RedirectKind::Web { .. }) => {
                let rest = redirect.as_str().strip_prefix(origin.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            }
            _ => false,
        }
    }
}

/// Whether the deployment takes loopback redirects and this scheme at all is another setting.
fn parse(text: &str) -> Option<RedirectUri> {
    let scheme = text.split(':').next().unwrap_or_default().to_owned();
    let policy = RedirectPolicy { allow_loopback: true, allowed_schemes: vec![scheme] };
    RedirectUri::parse(text, &policy).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn admits(entry: &str, redirect: &str) -> bool {
        AllowedRedirects::parse([entry]).unwrap().admits(&parse(redirect).unwrap())
    }

    /// RG-17.
    #[test]
    fn rg_17_what_an_entry_admits() {
        for (entry, admitted) in [
            ("https://claude.ai", "https://claude.ai/api/mcp/auth_callback"),
            ("https://claude.ai", "https://claude.ai"),
            ("https://claude.ai:8443", "https://claude.ai:8443/cb"),
            ("https://claude.ai/cb", "https://claude.ai/cb"),
            ("http://localhost", "http://localhost:53682/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:9/callback"),
            ("http://[::1]", "http://[::1]:9/any/path"),
            ("cursor:", "cursor://anysphere.cursor-mcp/oauth/callback"),
            ("cursor://", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ] {
            assert!(admits(entry, admitted), "{entry} and {admitted}");
        }
    }

    /// RG-17: nothing that only begins alike.
    #[test]
    fn rg_17_what_an_entry_does_not_admit() {
        for (entry, other) in [
            ("https://claude.ai", "https://claude.ai.evil.example/cb"),
            ("https://claude.ai", "https://claude.ai:8443/cb"),
            ("https://claude.ai", "https://sub.claude.ai/cb"),
            ("https://claude.ai/cb", "https://claude.ai/cb/more"),
            ("https://claude.ai/cb", "https://claude.ai/cb?x=1"),
            ("http://localhost", "http://127.0.0.1/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1/other"),
            ("cursor:", "cursors://x/cb"),
            ("cursor:", "vscode://x/cb"),
            ("https://claude.ai", "http://localhost/cb"),
        ] {
            assert!(!admits(entry, other), "{entry} and {other}");
        }
    }

    #[test]
    fn entries_that_are_none_are_named() {
        for bad in ["", "claude.ai", "*", "javascript:", "https:", "http://example.com", "https://"]
        {
            assert_eq!(
                AllowedRedirects::parse(["cursor:", bad]),
                Err((bad, NotAllowable)),
                "{bad}"
            );
        }
    }
}
