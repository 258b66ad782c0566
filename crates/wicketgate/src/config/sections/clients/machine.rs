//! What a client may do for itself, without a person (`grant_types = ["client_credentials"]`).

use ::auth::config::Machine;
use kernel::id::Kind as _;
use model::ClientId;
use model::person::SubjectKind;
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
    scopes: Scopes,
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
    if section.list("scopes", &[]).is_empty() {
        let fix = "List what the client may have, such as [\"mcp:read\"]";
        section.missing("scopes", "it is missing, and client_credentials needs it", fix);
    }
    let client = client?.clone();
    if client.as_str().starts_with(SubjectKind::PREFIX) {
        let fix = "Choose an id that does not begin with usr_, as people's ids do";
        section.missing("id", "it could be taken for a person in tokens", fix);
    }
    Some(Machine { client, scopes, servers })
}
