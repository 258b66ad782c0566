//! Which of a provider's URLs may be used at all.

use url::{Host, Url};

/// Whether people and secrets may be sent there: https, or http on this computer (OA-1, T-UP-01).
pub fn is_safe(url: &Url) -> bool {
    let has_login = !url.username().is_empty() || url.password().is_some();
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    !has_login && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn t_up_01_only_https_and_this_computer() {
        for good in [
            "https://idp.example.com/x",
            "http://127.0.0.1:9/x",
            "http://[::1]/",
            "http://localhost:1/",
        ] {
            assert!(is_safe(&Url::parse(good).unwrap()), "{good}");
        }
        for bad in [
            "http://idp.example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://user:secret@idp.example.com/",
            "http://localhost.example.com/",
        ] {
            assert!(!is_safe(&Url::parse(bad).unwrap()), "{bad}");
        }
    }
}
