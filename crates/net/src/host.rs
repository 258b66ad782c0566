//! The Host check, against DNS rebinding: a page whose name was made to point here must not be
//! taken for one of ours (MCP transports, "Security Warning").

use http::header::HOST;
use http::{HeaderMap, Uri};

/// Why a request is not for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// No name, several, or none that can be read.
    #[error("send exactly one Host header")]
    NotOne,
    /// Another name than ours.
    #[error("this server does not answer to that Host; use the URL it was published under")]
    NotOurs,
}

/// Checks that a request was sent to one of our names, with or without a port.
///
/// # Errors
///
/// [`BadHost`] if it was not, or does not say clearly.
pub fn check(uri: &Uri, headers: &HeaderMap, allowed: &[String]) -> Result<(), BadHost> {
    let mut named = headers.get_all(HOST).iter();
    let (first, second) = (named.next(), named.next());
    let (Some(Ok(host)), None) = (first.map(|value| value.to_str()), second) else {
        return Err(BadHost::NotOne);
    };
    // RFC 9112 §3.2.2: in absolute form the target's authority counts, so both must be ours.
    let target = uri.authority().is_none_or(|authority| is_ours(authority.as_str(), allowed));
    if target && is_ours(host, allowed) { Ok(()) } else { Err(BadHost::NotOurs) }
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host);
    allowed.iter().any(|ours| ours.eq_ignore_ascii_case(host) || ours.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-MCP-31, T-MCP-32.
    #[test]
    fn t_mcp_32_only_our_names_pass() {
        let allowed = ["localhost".to_owned(), "[::1]".to_owned(), "h.example:8443".to_owned()];
        for ours in ["localhost", "LOCALHOST:1", "[::1]:80", "[::1]", "h.example:8443"] {
            assert!(is_ours(ours, &allowed), "{ours}");
        }
        for other in ["evil.example", "localhost.", "h.example", "h.example:80", "", ":80"] {
            assert!(!is_ours(other, &allowed), "{other}");
        }
        for other in ["localhost@evil.example", "localhost:80@evil", "[::1", "x.localhost"] {
            assert!(!is_ours(other, &allowed), "{other}");
        }
    }
}
