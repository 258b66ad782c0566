//! A forward proxy: in many companies the only way out.
//!
//! It is told by the configuration and never by the environment. The proxy resolves the names of
//! what it connects to, so nothing here can look at those addresses; what goes past it is looked at
//! as ever.

use std::fmt;
use std::net::IpAddr;

use reqwest::{NoProxy, Proxy, Url};

/// A proxy for everything but what is reached directly. It may hold a password, so `Debug` shows
/// nothing.
#[derive(Clone)]
pub struct ForwardProxy {
    proxy: Proxy,
    host: String,
}

/// Why there can be no such proxy. The URL may hold a password, so it is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotProxy {
    /// The URL names none.
    #[error("it is no URL of a proxy: http or https, a host, and no path")]
    Url,
    /// What should be reached directly is no host and no network.
    #[error("{0:?} is neither a host name nor an address nor a network")]
    Direct(String),
}

/// What is on this computer is no business of a proxy on another.
const HERE: [&str; 3] = ["localhost", "127.0.0.0/8", "::1"];

impl ForwardProxy {
    /// A proxy at this URL, with a login in it if it wants one (RFC 7617). Names in `direct` stand
    /// for themselves and for everything below them; addresses and networks for hosts that are
    /// written as addresses.
    ///
    /// # Errors
    ///
    /// [`CannotProxy`] says which of the two is wrong.
    pub fn new(url: &str, direct: &[String]) -> Result<Self, CannotProxy> {
        let url = Url::parse(url).ok().filter(is_proxy).ok_or(CannotProxy::Url)?;
        if let Some(odd) = direct.iter().find(|one| !is_destination(one)) {
            return Err(CannotProxy::Direct(odd.clone()));
        }
        let mut direct: Vec<_> = direct.iter().map(|one| one.to_ascii_lowercase()).collect();
        direct.extend(HERE.map(str::to_owned));
        let host = url.host_str().unwrap_or_default().to_owned();
        let proxy = Proxy::all(url).map_err(|_| CannotProxy::Url)?;
        let proxy = proxy.no_proxy(NoProxy::from_string(&direct.join(",")));
        Ok(Self { proxy, host })
    }

    pub(super) fn proxy(&self) -> Proxy {
        self.proxy.clone()
    }

    /// Whether this host is the proxy's own.
    pub(super) fn is_at(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }
}

impl fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForwardProxy")
    }
}

fn is_proxy(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
}

/// `*` is no destination: whoever wants no proxy configures none.
fn is_destination(text: &str) -> bool {
    let name = text.strip_prefix('.').unwrap_or(text);
    let is_name = !name.is_empty()
        && name.split('.').all(|label| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            !label.is_empty() && label.bytes().all(plain)
        });
    is_name || text.parse::<IpAddr>().is_ok() || is_network(text)
}

fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_without_a_path() {
        for good in ["http://proxy.corp.example:3128", "https://user:p%40ss@proxy.example/"] {
            ForwardProxy::new(good, &[]).unwrap();
        }
        for bad in [
            "",
            "proxy.example:3128",
            "socks5://proxy.example:1080",
            "http://proxy.example/path",
            "http://proxy.example/?x",
            "http://",
            "file:///proxy",
        ] {
            assert_eq!(ForwardProxy::new(bad, &[]).unwrap_err(), CannotProxy::Url, "{bad}");
        }
    }

    #[test]
    fn what_is_reached_directly_is_a_host_or_a_network() {
        let with = |one: &str| ForwardProxy::new("http://proxy.example", &[one.to_owned()]);
        for good in ["idp.example", ".example", "IDP", "10.0.0.1", "10.0.0.0/8", "fd00::/8", "::1"]
        {
            with(good).unwrap();
        }
        for bad in [
            "",
            "*",
            "*.example",
            "https://idp.example",
            "idp.example:443",
            "a,b",
            "a b",
            "10.0.0.0/33",
            "example/8",
            "..",
            "a..b",
        ] {
            assert_eq!(with(bad).unwrap_err(), CannotProxy::Direct(bad.to_owned()));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let proxy = ForwardProxy::new("http://user:s3cret@proxy.example", &[]).unwrap();
        assert!(!format!("{proxy:?}").contains("s3cret"));
        let error = ForwardProxy::new("http://user:s3cret@proxy.example/x", &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
