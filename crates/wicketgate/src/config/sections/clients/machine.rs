//! What a client may do for itself, without a person (`grant_types = ["client_credentials"]`).

use ::auth::config::Machine;
use model::ClientId;
use protocol::Scopes;

use super::auth;
use crate::config::reader::Reader;

/// The name of the grant type (RFC 6749 §4.4.2).
pub(super) const GRANT: &str = "client_credentials";

/// Reads it. Nothing is assumed: a program that may do anything at all without a person should not
/// come about by leaving something out (CC-2).
pub(super) fn read(
    section: &Reader<'_>,
    client: Option<&ClientId>,
    scopes: Option<Scopes>,
) -> Option<Machine> {
    let servers = section.list("servers", &[]);
    if !auth::is_confidential(section) {
        section.missing(
            "secret",
            "it is missing; without it anybody who knows the id could be this client",
            "Set a secret, or give the client keys: `wicketgate secret generate` makes a good one",
        );
    }
    if servers.is_empty() {
        let fix = "Name the servers that the client may use, as in [[mcp.server]] name";
        section.missing("servers", "it is missing, and client_credentials needs it", fix);
    }
    if scopes.is_none() {
        let fix = "List what the client may have, such as [\"mcp:read\"]";
        section.missing("scopes", "it is missing, and client_credentials needs it", fix);
    }
    Some(Machine { client: client?.clone(), scopes: scopes?, servers })
}

/// Of a client that people connect, the servers are for them to choose.
pub(super) fn refuse_servers(section: &Reader<'_>) {
    if section.has("servers") {
        let fix = "Add client_credentials to grant_types, or remove the key";
        section.misplaced("servers", "it is for clients that act for themselves", fix);
    }
}
