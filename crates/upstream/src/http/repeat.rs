//! Which requests may be sent a second time although the first may have been read.

use bytes::Bytes;
use http::Method;
use protocol::jsonrpc::{Body, Message};
use protocol::mcp::method;

/// Methods that only read, and whose answer to a second question is as good as to the first.
const HARMLESS: [&str; 6] = [
    method::TOOLS_LIST,
    method::PROMPTS_LIST,
    method::RESOURCES_LIST,
    method::RESOURCES_TEMPLATES_LIST,
    method::SERVER_DISCOVER,
    method::PING,
];

/// Whether this request does nothing, however often it arrives. Only asked after a failure.
pub fn is_harmless(method: &Method, body: &Bytes) -> bool {
    let read = if *method == Method::POST { Body::read(body).ok() } else { None };
    match read {
        Some(Body::One(Message::Request { method, .. })) => HARMLESS.contains(&&*method),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_requests_that_read() {
        let harmless = |method: Method, body: &str| {
            is_harmless(&method, &Bytes::copy_from_slice(body.as_bytes()))
        };
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools\/list"}"#;
        assert!(harmless(Method::POST, list));
        assert!(!harmless(Method::DELETE, list));
        assert!(!harmless(Method::POST, &format!("[{list}]")));
        for other in ["tools/call", "resources/read", "initialize", "subscriptions/listen", ""] {
            assert!(!harmless(Method::POST, &list.replace(r"tools\/list", other)), "{other}");
        }
        assert!(!harmless(Method::POST, r#"{"jsonrpc":"2.0","method":"ping"}"#));
        assert!(!harmless(Method::GET, ""));
    }
}
