//! The Host check, against DNS rebinding (MCP transports, "Security Warning").

use http::header::HOST;
use http::{HeaderMap, StatusCode, Uri};
use protocol::jsonrpc::INVALID_REQUEST;

use crate::reply::{Fault, Refused};

/// Refuses a request that was sent to another name than ours: 421, or 400 without one clear name.
pub(crate) fn check(uri: &Uri, headers: &HeaderMap, allowed: &[String]) -> Result<(), Refused> {
    let mut named = headers.get_all(HOST).iter();
    let (first, second) = (named.next(), named.next());
    let (Some(Ok(host)), None) = (first.map(|value| value.to_str()), second) else {
        return Err(refusal(StatusCode::BAD_REQUEST, "send exactly one Host header"));
    };
    // RFC 9112 §3.2.2: in absolute form the target's authority counts, so both must be ours.
    let target = uri.authority().is_none_or(|authority| is_ours(authority.as_str(), allowed));
    if target && is_ours(host, allowed) {
        return Ok(());
    }
    let help = "this server does not answer to that Host; use the URL it was published under";
    Err(refusal(StatusCode::MISDIRECTED_REQUEST, help))
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

fn refusal(status: StatusCode, message: &str) -> Refused {
    Fault { status, code: INVALID_REQUEST, message }.for_id(None)
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
