//! `upstream` of a `[[mcp.server]]` that is reached over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use ::mcp::HttpConfig;
use http::Uri;
use http::uri::PathAndQuery;
use toml::Value;

use crate::config::reader::Reader;
use crate::config::urls::has_login;

const URL: &str =
    "Write the URL of the upstream's MCP endpoint, such as \"http://127.0.0.1:9000/mcp\"";
/// As many as the sidecar can tell apart.
const MAX_URLS: usize = 64;

/// The first URL, and everything else about the way there.
pub(super) fn read(section: &Reader<'_>) -> Option<(Uri, HttpConfig)> {
    let urls = urls(section);
    let unix = unix(section, urls.as_deref());
    let seconds = |key: &str, default: i64, bounds| {
        Duration::from_secs(section.integer(key, default, bounds).unsigned_abs())
    };
    let connect_timeout = seconds("connect_timeout_seconds", 5, 1..=60);
    let response_timeout = seconds("response_timeout_seconds", 300, 1..=86_400);
    let idle_timeout = seconds("idle_timeout_seconds", 0, 0..=86_400);
    let ca = ca(section);
    let (health_interval, health_path) = section.section("health", health);
    let mut urls = urls?.into_iter();
    let first = urls.next()?;
    let http = HttpConfig {
        others: urls.collect(),
        unix,
        connect_timeout: Some(connect_timeout),
        response_timeout: Some(response_timeout),
        idle_timeout: Some(idle_timeout).filter(|idle| !idle.is_zero()),
        ca,
        health_interval,
        health_path: health_path?,
    };
    Some((first, http))
}

/// `url`, or `urls` of a server with several addresses.
fn urls(section: &Reader<'_>) -> Option<Vec<Uri>> {
    if !section.has("urls") {
        section.known("urls");
        let text = section.resolved_text("url");
        return url(section, "url", text).map(|url| vec![url]);
    }
    if section.has("url") {
        section.misplaced("url", "there is urls as well", "Write all of them into urls");
    }
    let given = section.list("urls", &[]);
    if given.is_empty() || given.len() > MAX_URLS {
        section.missing("urls", "it must name 1 to 64 URLs", URL);
        return None;
    }
    given.into_iter().map(|text| url(section, "urls", text)).collect()
}

fn url(section: &Reader<'_>, key: &str, text: String) -> Option<Uri> {
    if has_login(&text) {
        let reason = "its user name and password would not be sent";
        let fix = "Remove them; the credential for the upstream is upstream_auth";
        section.problem(key, &Value::String(text), reason, fix);
        return None;
    }
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
    });
    if uri.is_none() {
        section.problem(key, &Value::String(text), "it is not an http or https URL", URL);
    }
    uri
}

/// A socket on this computer. There is one of it, and it needs no TLS.
fn unix(section: &Reader<'_>, urls: Option<&[Uri]>) -> Option<PathBuf> {
    let path = section.optional_text("unix")?;
    let fix = "Write { unix = \"/run/server.sock\", url = \"http://localhost/mcp\" }";
    let reason = match urls {
        _ if !path.starts_with('/') => "it must begin with /",
        Some([url]) if url.scheme_str() == Some("https") => "its url must be http",
        Some([_, _, ..]) => "a socket has one url",
        _ => return Some(path.into()),
    };
    section.problem("unix", &Value::String(path), reason, fix);
    None
}

/// What cannot be a certificate is found at the start, and not by the first person who calls.
fn ca(section: &Reader<'_>) -> String {
    let pem = section.file_text("ca_file", true).unwrap_or_default();
    if !pem.is_empty() && !pem.contains("-----BEGIN CERTIFICATE-----") {
        section.missing("ca_file", "it holds no certificate", "Name a file in PEM form");
    }
    pem
}

fn health(section: &Reader<'_>) -> (Duration, Option<String>) {
    let interval = section.integer("interval_seconds", 10, 1..=3600).unsigned_abs();
    let fix = "Write a path such as \"/health\", or leave it empty: a connection will do";
    let path = section.parsed("path", "", fix, |path| {
        let served = path.starts_with('/') && path.parse::<PathAndQuery>().is_ok();
        if path.is_empty() || served { Ok(path.to_owned()) } else { Err("it is not a path") }
    });
    (Duration::from_secs(interval), path)
}
