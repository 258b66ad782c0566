//! `[mcp]`.

use ::mcp::AllowedOrigins;
use kernel::Redacted;
use kernel::seal::SealingKey;
use protocol::Scopes;
use toml::Value;
use tracing::level_filters::LevelFilter;

use super::sign_in::EmailOwners;
use super::upstream;
use crate::config::reader::Reader;
use crate::config::settings::{AuthoritySettings, McpSettings, Role};
use crate::config::urls::{PublicUrl, has_login};

/// `mcp.issuer`: whose tokens the sidecar alone accepts.
pub(super) fn issuer(section: &Reader<'_>, role: Role) -> Option<PublicUrl> {
    let given = section.text("issuer", "");
    if given.is_empty() {
        if role == Role::Mcp {
            section.missing(
                "issuer",
                "it is missing; the sidecar alone must be told whose tokens to accept",
                "Write the issuer as in the authorization server's metadata",
            );
        }
        return None;
    }
    let fix = "Write the issuer as in the authorization server's metadata";
    section.parsed("issuer", "", fix, PublicUrl::parse)
}

/// What the section has to know of its surroundings.
pub(super) struct Around<'a> {
    /// Under which URL everything is; `None` if it has a problem of its own.
    pub(super) public_url: Option<&'a PublicUrl>,
    /// The authority whose tokens count; `None` if it has a problem of its own.
    pub(super) issuer: Option<&'a PublicUrl>,
    /// Whose word about an e-mail address counts.
    pub(super) owners: EmailOwners,
}

pub(super) fn read(section: &Reader<'_>, role: Role, around: &Around<'_>) -> Option<McpSettings> {
    let &Around { public_url, issuer, ref owners } = around;
    let ceiling = ceiling(section);
    let log_level = log_level(section);
    let allowed_origins = allowed_origins(section, public_url);
    let sealing_key = sealing_key(section, role, public_url);
    let peer_url = peer_url(section);
    let max_status_age = section.integer("max_status_age_seconds", 600, 10..=86_400);
    let max_body_bytes = section.integer("max_body_bytes", 4_194_304, 1024..=268_435_456);
    let authority = section.section("authority", |authority| {
        let url = authority.text("url", "");
        let credentials = credentials(authority, role);
        authority_settings(authority, &url, issuer, credentials)
    });
    let audit_calls = section.flag("audit_calls", true);
    let servers =
        section.sections("server", |server| upstream::read(server, public_url, ceiling, owners));
    check_servers(section, &servers);
    Some(McpSettings {
        servers: servers.into_iter().collect::<Option<Vec<_>>>()?,
        allowed_origins,
        sealing_key,
        peer_url,
        max_status_age,
        authority: if role == Role::Mcp { authority } else { None },
        log_level,
        max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(4_194_304),
        audit_calls,
    })
}

/// A missing or empty ceiling means reading only.
fn ceiling(section: &Reader<'_>) -> Scopes {
    let text = section.text("allowed_scopes", "");
    parse_ceiling(section, &text).filter(|scopes| !scopes.is_empty()).unwrap_or(Scopes::READ)
}

/// The scopes of a ceiling, if they are ones and reading is among them.
pub(super) fn parse_ceiling(section: &Reader<'_>, text: &str) -> Option<Scopes> {
    let fix = "Use mcp:read, and as far as wanted mcp:write, mcp:process_admin and mcp:admin, \
               separated by spaces";
    match Scopes::parse_known(text) {
        Ok(scopes) if scopes.is_empty() || scopes.contains(protocol::Scope::Read) => Some(scopes),
        Ok(_) => {
            let value = Value::String(text.to_owned());
            section.problem("allowed_scopes", &value, "it does not contain mcp:read", fix);
            None
        }
        Err(unknown) => {
            let value = Value::String(text.to_owned());
            let reason = format!("there is no scope {unknown}");
            section.problem("allowed_scopes", &value, &reason, fix);
            None
        }
    }
}

pub(super) fn log_level(section: &Reader<'_>) -> LevelFilter {
    let fix = "Write OFF, ERROR, WARN, INFO or DEBUG";
    let level = section.parsed("diagnostic_log_level", "INFO", fix, |name| {
        match name.to_ascii_uppercase().as_str() {
            "OFF" => Ok(LevelFilter::OFF),
            "ERROR" => Ok(LevelFilter::ERROR),
            "WARN" => Ok(LevelFilter::WARN),
            "INFO" => Ok(LevelFilter::INFO),
            "DEBUG" => Ok(LevelFilter::DEBUG),
            _ => Err("there is no such level"),
        }
    });
    level.unwrap_or(LevelFilter::INFO)
}

/// Our own origin by default, and any loopback one for a try on one computer.
fn allowed_origins(section: &Reader<'_>, public_url: Option<&PublicUrl>) -> AllowedOrigins {
    let mut list = Vec::new();
    for text in section.list("allowed_origins", &[]) {
        let normal = url::Url::parse(&text).ok().map(|url| url.origin().ascii_serialization());
        match normal {
            Some(origin) if origin == text.to_ascii_lowercase() => list.push(origin),
            _ => section.problem(
                "allowed_origins",
                &Value::String(text),
                "it is not an origin",
                "Write scheme and host only, such as \"https://app.example.com\"",
            ),
        }
    }
    list.extend(public_url.map(|url| url.origin().to_owned()));
    AllowedOrigins { list, any_loopback: public_url.is_some_and(PublicUrl::is_loopback) }
}

/// Replicas of the sidecar must open each other's session ids; one on loopback is alone.
fn sealing_key(
    section: &Reader<'_>,
    role: Role,
    public_url: Option<&PublicUrl>,
) -> Option<SealingKey> {
    let alone = public_url.is_none_or(PublicUrl::is_loopback);
    let secret = section.own_key("sealing_key", role == Role::Mcp);
    if role == Role::Mcp && !alone && secret.is_none() {
        section.missing(
            "sealing_key",
            "it is missing; every replica of the sidecar needs the same one",
            "Set it to the output of `wicketgate secret generate`",
        );
    }
    let secret = secret?;
    SealingKey::parse(secret.reveal())
        .map_err(|error| {
            section.missing("sealing_key", &error.to_string(), "It must be 32 bytes in base64");
        })
        .ok()
}

/// Where the other replicas reach this one: inside a private network, so plain http is fine.
fn peer_url(section: &Reader<'_>) -> Option<http::Uri> {
    let text = section.text("peer_url", "");
    if text.is_empty() {
        return None;
    }
    let uri = text.parse::<http::Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path() == "/"
            && uri.query().is_none()
    });
    if uri.is_none() {
        let fix = "Write scheme, host and port of this replica, such as \"http://10.0.0.7:8787\"";
        section.problem(
            "peer_url",
            &Value::String(text),
            "it must be an http or https URL without a path and without a user name",
            fix,
        );
    }
    uri
}

/// Id and secret come together or not at all.
fn credentials(section: &Reader<'_>, role: Role) -> Option<(String, Redacted)> {
    let id = section.text("client_id", "");
    let given = !section.is_blank("client_secret");
    let secret = section.secret("client_secret", role == Role::Mcp);
    if id.is_empty() == given {
        let key = if given { "client_id" } else { "client_secret" };
        section.missing(
            key,
            "client_id and client_secret belong together",
            "Set both as in the [[oauth.client]] with sidecar = true, or neither",
        );
        return None;
    }
    Some((id, secret?))
}

fn authority_settings(
    section: &Reader<'_>,
    url: &str,
    issuer: Option<&PublicUrl>,
    credentials: Option<(String, Redacted)>,
) -> Option<AuthoritySettings> {
    if url.is_empty() {
        let url = issuer.map(|issuer| issuer.as_str().to_owned());
        return url.map(|url| AuthoritySettings { url, credentials });
    }
    if has_login(url) {
        let reason = "its user name and password would not be sent";
        let fix = "Remove them; the sidecar's own credential is client_id and client_secret";
        section.problem("url", &Value::String(url.to_owned()), reason, fix);
        return None;
    }
    // Inside a private network the authority may be plain http: what it sends is signed.
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Some(AuthoritySettings { url: url.trim_end_matches('/').to_owned(), credentials })
        }
        _ => {
            let value = Value::String(url.to_owned());
            section.problem(
                "url",
                &value,
                "it is not an http URL",
                "Write the issuer's own address",
            );
            None
        }
    }
}

fn check_servers(
    section: &Reader<'_>,
    servers: &[Option<crate::config::settings::ServerSettings>],
) {
    if servers.is_empty() {
        section.missing(
            "server",
            "no MCP server is configured",
            "Add a [[mcp.server]] section with an upstream",
        );
    }
    let names: Vec<&str> = servers.iter().flatten().map(|server| server.name.as_str()).collect();
    for (position, name) in names.iter().enumerate() {
        if names[..position].contains(name) {
            section.missing(
                "server",
                &format!("two servers have the name {name}"),
                "Give each server its own name",
            );
        }
    }
}
