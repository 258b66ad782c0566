//! The public URL, from which every other URL is built.

use std::net::IpAddr;

use url::{Host, Url};

/// The URL under which the outside world knows this deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    origin: String,
    path: String,
    loopback: bool,
}

impl PublicUrl {
    /// Reads a public URL or an issuer.
    ///
    /// # Errors
    ///
    /// Why it cannot be one. Plain http is for loopback only (OA-1).
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
        let loopback = is_loopback(&url);
        let reason = match url.scheme() {
            "https" => None,
            "http" if loopback => None,
            "http" => Some("plain http would send tokens and codes in clear"),
            _ => Some("it must be an https URL"),
        };
        let credentials = !url.username().is_empty() || url.password().is_some();
        let reason = reason
            .or_else(|| credentials.then_some("it must not contain a user name"))
            .or_else(|| url.query().map(|_| "it must not have a query"))
            .or_else(|| url.fragment().map(|_| "it must not have a fragment"));
        if let Some(reason) = reason {
            return Err(reason.to_owned());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let origin = url.origin().ascii_serialization();
        Ok(Self { text: format!("{origin}{path}"), origin, path, loopback })
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path: empty, or like `/wfgen`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `host` or `host:port`, as in a `Host` header.
    pub fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether it leads to this computer.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether it is https.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }
}

/// Whether an address leads to this computer or into a private network.
pub(crate) fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Whether a URL has a login, as text because a [`http::Uri`] and a [`Url`] both come from one. Where
/// nothing sends it, it would look like a lock and be none.
pub(super) fn has_login(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// Whether a URL's host is this computer.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
