//! The Host check, against DNS rebinding (MCP transports, "Security Warning").

use http::{HeaderMap, StatusCode, Uri};
use net::host::BadHost;
use protocol::jsonrpc::INVALID_REQUEST;

use crate::reply::{Fault, Refused};

/// Refuses a request that was sent to another name than ours: 421, or 400 without one clear name.
pub(crate) fn check(uri: &Uri, headers: &HeaderMap, allowed: &[String]) -> Result<(), Refused> {
    net::host::check(uri, headers, allowed).map_err(|bad| {
        let status = match bad {
            BadHost::NotOne => StatusCode::BAD_REQUEST,
            BadHost::NotOurs => StatusCode::MISDIRECTED_REQUEST,
        };
        Fault { status, code: INVALID_REQUEST, message: &bad.to_string() }.for_id(None)
    })
}
