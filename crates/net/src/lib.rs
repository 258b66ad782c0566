//! What every listener and every outbound call has in common: the accept loop with its limits,
//! bounded bodies, security headers and the outbound client. It knows no role.

pub mod body;
pub mod headers;
pub mod host;
pub mod outbound;
pub mod server;
