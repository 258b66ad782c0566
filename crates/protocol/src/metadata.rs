//! Discovery documents: RFC 8414 for the authorization server, RFC 9728 for a resource.

use serde::Serialize;

use crate::client_keys::ASSERTION_ALGORITHMS;
use crate::scope::{OFFLINE_ACCESS, Scopes};

/// Authorization server metadata (RFC 8414 §2). The same document is served in the place of
/// OpenID Connect discovery, because MCP clients probe both (MCP authorization-server-discovery).
#[derive(Clone, Debug, Serialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier, byte for byte as in tokens and in `iss` (MD-3).
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: String,
    /// Where codes and refresh tokens are redeemed.
    pub token_endpoint: String,
    /// The public signing keys.
    pub jwks_uri: String,
    /// RFC 7591 registration; absent when it is switched off (MD-6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Whether a client's id may be the URL of its metadata document; absent where none is taken (MD-7).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_document_supported: bool,
    /// RFC 7009 revocation.
    pub revocation_endpoint: String,
    /// Client authentication at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: &'static [&'static str],
    /// What assertions may be signed with there.
    pub revocation_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// RFC 7662 introspection, for resource servers.
    pub introspection_endpoint: String,
    /// Client authentication at the introspection endpoint, where nobody is public.
    pub introspection_endpoint_auth_methods_supported: &'static [&'static str],
    /// What assertions may be signed with there.
    pub introspection_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// What may be asked for, with `offline_access`.
    pub scopes_supported: Vec<String>,
    /// Only `code`.
    pub response_types_supported: &'static [&'static str],
    /// Only `query`.
    pub response_modes_supported: &'static [&'static str],
    /// `authorization_code` and `refresh_token`, and `client_credentials` where a client may use it.
    pub grant_types_supported: Vec<&'static str>,
    /// Contains `none`, which public clients look for (MD-10).
    pub token_endpoint_auth_methods_supported: &'static [&'static str],
    /// What assertions may be signed with: RFC 8414 §2 wants it beside `private_key_jwt`, and never
    /// `none`.
    pub token_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// Only `S256` (MD-5).
    pub code_challenge_methods_supported: &'static [&'static str],
    /// RFC 9207: each authorization response carries `iss` (MD-8).
    pub authorization_response_iss_parameter_supported: bool,
    /// The resources this server issues tokens for (RFC 9728 §4).
    pub protected_resources: Vec<String>,
}

/// Protected resource metadata (RFC 9728 §2).
#[derive(Clone, Debug, Serialize)]
pub struct ProtectedResourceMetadata {
    /// The resource identifier: the URL that people paste into clients (PR-3).
    pub resource: String,
    /// Exactly one issuer (PR-4).
    pub authorization_servers: Vec<String>,
    /// The server's effective ceiling, never `offline_access`.
    pub scopes_supported: Vec<&'static str>,
    /// Only the `Authorization` header.
    pub bearer_methods_supported: &'static [&'static str],
    /// A name for people.
    pub resource_name: String,
}

/// What the authorization server's metadata depends on.
#[derive(Clone, Debug)]
pub struct AuthorizationServerFacts<'a> {
    /// The issuer identifier.
    pub issuer: &'a str,
    /// The union of what the resources may grant.
    pub scopes: Scopes,
    /// Whether RFC 7591 registration is on.
    pub dynamic_registration: bool,
    /// Whether client metadata documents are taken.
    pub client_documents: bool,
    /// Whether there are clients that act for themselves (RFC 6749 §4.4).
    pub machines: bool,
    /// The resources.
    pub resources: Vec<String>,
}

const CLIENT_AUTH_METHODS: &[&str] =
    &["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];

const CONFIDENTIAL_AUTH_METHODS: &[&str] =
    &["client_secret_post", "client_secret_basic", "private_key_jwt"];

impl AuthorizationServerMetadata {
    /// The document for these facts. Only what is implemented is named (MD-16).
    pub fn describe(facts: &AuthorizationServerFacts<'_>) -> Self {
        let at = |path: &str| format!("{}{path}", facts.issuer.trim_end_matches('/'));
        let scopes = facts.scopes.iter().map(|scope| scope.as_str().to_owned());
        let machines = facts.machines.then_some("client_credentials");
        let grant_types = ["authorization_code", "refresh_token"].into_iter().chain(machines);
        Self {
            issuer: facts.issuer.to_owned(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            jwks_uri: at("/jwks"),
            registration_endpoint: facts.dynamic_registration.then(|| at("/register")),
            client_id_metadata_document_supported: facts.client_documents,
            revocation_endpoint: at("/revoke"),
            revocation_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
            revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            introspection_endpoint: at("/introspect"),
            introspection_endpoint_auth_methods_supported: CONFIDENTIAL_AUTH_METHODS,
            introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            scopes_supported: scopes.chain([OFFLINE_ACCESS.to_owned()]).collect(),
            response_types_supported: &["code"],
            response_modes_supported: &["query"],
            grant_types_supported: grant_types.collect(),
            token_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
            token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
            code_challenge_methods_supported: &["S256"],
            authorization_response_iss_parameter_supported: true,
            protected_resources: facts.resources.clone(),
        }
    }
}

impl ProtectedResourceMetadata {
    /// The document of one resource.
    pub fn describe(resource: &str, issuer: &str, ceiling: Scopes, name: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            authorization_servers: vec![issuer.to_owned()],
            scopes_supported: ceiling.iter().map(crate::Scope::as_str).collect(),
            bearer_methods_supported: &["header"],
            resource_name: name.to_owned(),
        }
    }
}
