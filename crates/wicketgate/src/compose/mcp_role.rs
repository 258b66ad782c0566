//! The sidecar's configuration, from the settings.

use std::sync::Arc;

use anyhow::Context as _;
use kernel::SecureRandom;
use kernel::seal::SealingKey;
use mcp::{Audit, Config, Limits, Observe, ServerConfig, Sidecar, Spans, SseFront, UpstreamConfig};

use super::authority::Late;
use super::{Ambient, hosts};
use crate::config::{PublicUrl, Role, ServerSettings, Settings};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Builds the sidecar. What it asks the authority is answered once there is one.
pub(super) fn build(
    settings: &Settings,
    authority: &Arc<Late>,
    ambient: &Ambient,
    spans: Option<Spans>,
    connections: usize,
) -> anyhow::Result<Arc<Sidecar>> {
    tell_of_replicas(settings);
    let url = &settings.public_url;
    let config = Config {
        servers: servers(url, &settings.mcp.servers),
        issuer: settings.issuer.as_str().to_owned(),
        allowed_hosts: hosts::allowed(settings),
        allowed_origins: settings.mcp.allowed_origins.clone(),
        sealing_key: sealing_key(settings, &*ambient.random),
        peer_url: settings.mcp.peer_url.clone(),
        max_status_age_seconds: settings.mcp.max_status_age,
        observe: observe(settings, spans),
        limits: Limits {
            body_bytes: settings.mcp.max_body_bytes,
            // The others are for people who sign in, and for streams that stand.
            requests: connections / 2,
            ..Limits::default()
        },
    };
    let authority = Arc::clone(authority);
    Sidecar::new(config, authority, Arc::clone(&ambient.clock), Arc::clone(&ambient.random))
        .context("the sidecar cannot start")
}

/// A sidecar apart that cannot identify itself has nobody to report to.
fn observe(settings: &Settings, spans: Option<Spans>) -> Observe {
    let authority = settings.mcp.authority.as_ref();
    let mute = authority.is_some_and(|authority| authority.credentials.is_none());
    let audit = match (mute, settings.mcp.audit_calls) {
        (true, _) => Audit::Nothing,
        (false, true) => Audit::Everything,
        (false, false) => Audit::Denials,
    };
    if audit == Audit::Nothing {
        tracing::warn!(
            "calls and denials are in the log only: set mcp.authority.client_id and client_secret \
             to record them at the authorization server"
        );
    }
    Observe { audit, tool_labels: settings.telemetry.tool_labels, spans }
}

/// The servers as the sidecar is told of them.
pub(super) fn servers(url: &PublicUrl, servers: &[ServerSettings]) -> Vec<ServerConfig> {
    servers.iter().map(|server| server_config(url, server)).collect()
}

fn server_config(url: &PublicUrl, server: &ServerSettings) -> ServerConfig {
    let path = format!("{}{}", url.path(), server.path);
    let mut metadata_paths = metadata_paths(&path);
    if server.name == "default" {
        metadata_paths.push(WELL_KNOWN.to_owned());
        if !url.path().is_empty() {
            metadata_paths.push(format!("{}{WELL_KNOWN}", url.path()));
        }
    }
    let sse = server.sse.as_ref().map(|sse| {
        let path = format!("{}{}", url.path(), sse.path);
        SseFront {
            resource: sse.resource.clone(),
            metadata_url: format!("{}{WELL_KNOWN}{path}", url.origin()),
            metadata_paths: self::metadata_paths(&path),
            path,
        }
    });
    ServerConfig {
        name: server.name.clone(),
        title: server.title.clone(),
        resource_metadata_url: format!("{}{WELL_KNOWN}{path}", url.origin()),
        metadata_paths,
        path,
        resource: server.resource.clone(),
        ceiling: server.ceiling,
        upstream: UpstreamConfig {
            name: server.name.clone(),
            url: server.upstream.clone(),
            transport: server.transport.clone(),
            eras: server.eras,
            http: server.http.clone(),
            auth: server.upstream_auth.clone(),
        },
        policy: server.policy.clone(),
        list_cache_seconds: server.list_cache_seconds,
        sse,
    }
}

/// RFC 9728 §3.1: the path is inserted after the well-known part, at the host's root. Some clients
/// append it instead.
fn metadata_paths(path: &str) -> Vec<String> {
    vec![format!("{WELL_KNOWN}{path}"), format!("{path}{WELL_KNOWN}")]
}

/// PostgreSQL may mean several replicas. Nothing tells how many there are, so it is said once.
fn tell_of_replicas(settings: &Settings) {
    let postgres = |url: &str| !url.starts_with("sqlite:");
    let several = settings.database.as_ref().is_some_and(|db| postgres(db.url.reveal()));
    if settings.role == Role::All && several && settings.mcp.peer_url.is_none() {
        tracing::info!(
            "mcp.peer_url is not set: if there are several replicas, what only one of them holds \
             (child processes, HTTP+SSE streams, standing streams and parked calls of bridged \
             sessions) is unknown to the others, and clients must start again"
        );
    }
}

/// Role all derives the key, so that replicas share it; a lone sidecar on loopback needs none that
/// outlives it.
fn sealing_key(settings: &Settings, random: &dyn SecureRandom) -> SealingKey {
    if let Some(key) = &settings.mcp.sealing_key {
        return key.derive("mcp session");
    }
    if let Some(oauth) = &settings.oauth {
        return oauth.key_encryption_key.derive("mcp session");
    }
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    SealingKey::from_bytes(bytes)
}
