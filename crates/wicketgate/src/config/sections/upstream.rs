//! `[[mcp.server]]`: one MCP server, what stands behind it and what its tools need.

use ::mcp::{HttpConfig, PolicyConfig, Rule, UpstreamAuth, Visibility};
use http::HeaderName;
use protocol::{ResourceUri, Scope, Scopes};
use toml::Value;

use super::behind;
use super::mcp::parse_ceiling;
use super::sign_in::EmailOwners;
use super::{people, scope_words, upstream_http};
use crate::config::reader::Reader;
use crate::config::settings::{ServerSettings, SseSettings};
use crate::config::urls::PublicUrl;

/// Names that would collide with our own paths.
const RESERVED: [&str; 7] = ["sse", "key", "health", "ready", "jwks", "identity", "messages"];

pub(super) const SCOPE_NAMES: &str = "Use mcp:read, mcp:write, mcp:process_admin or mcp:admin";

pub(super) fn read(
    section: &Reader<'_>,
    public_url: Option<&PublicUrl>,
    ceiling: Scopes,
    owners: &EmailOwners,
) -> Option<ServerSettings> {
    let name = name(section);
    let title = section.optional_text("title");
    let title = title.unwrap_or_else(|| shown_name(name.as_deref()).to_owned());
    let scope_words = scope_words::read(section);
    let path = match name.as_deref() {
        Some("default") | None => "/mcp".to_owned(),
        Some(name) => format!("/mcp/{name}"),
    };
    let resource = resource(section, public_url, &path);
    // A section is read once: what one reading leaves is a key that does not exist.
    let (upstream, (transport, eras)) = section.section("upstream", |upstream| {
        let way = if upstream.has("command") {
            Some((behind::no_url(upstream), HttpConfig::default()))
        } else {
            upstream_http::read(upstream)
        };
        (way, behind::read(upstream))
    });
    let upstream_auth = section.section("upstream_auth", upstream_auth);
    let ceiling = own_ceiling(section, ceiling);
    let access = people::read_access(section, owners);
    let policy = policy(section);
    let sse = section.flag("sse", true);
    let sse = resource.as_ref().filter(|_| sse).and_then(|resource| sse_front(resource, &path));
    let list_cache_seconds = section.integer("list_cache_seconds", 5, 0..=3600);
    let (upstream, http) = upstream?;
    Some(ServerSettings {
        name: name?,
        title,
        scope_words,
        path,
        resource: resource?,
        upstream,
        transport: transport?,
        eras: eras?,
        http,
        upstream_auth: upstream_auth?,
        ceiling,
        access: access?,
        policy: policy?,
        list_cache_seconds: u32::try_from(list_cache_seconds).unwrap_or(5),
        sse,
    })
}

/// What people read where the operator gave no `title`: the default name says nothing to them (O12).
fn shown_name(name: Option<&str>) -> &str {
    name.filter(|name| *name != "default").unwrap_or("the MCP server")
}

fn name(section: &Reader<'_>) -> Option<String> {
    let fix = "Use 1 to 32 of a-z, 0-9 and -, and none of the reserved names";
    section.parsed("name", "default", fix, |name| {
        let plain = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match plain {
            false => Err("it cannot be a name in a path"),
            true if RESERVED.contains(&name) => Err("the name is reserved"),
            true => Ok(name.to_owned()),
        }
    })
}

/// The identifier that clients see must be the URL that people paste (PR-3).
fn resource(
    section: &Reader<'_>,
    public_url: Option<&PublicUrl>,
    path: &str,
) -> Option<ResourceUri> {
    let default = public_url.map(|url| format!("{}{path}", url.as_str())).unwrap_or_default();
    let given = section.text("resource_uri", "");
    let text = if given.is_empty() { default } else { given };
    if text.is_empty() {
        return None;
    }
    let problem = |reason: &str| {
        let fix = format!("Leave it empty, or write an https URL that ends in {path}");
        section.problem("resource_uri", &Value::String(text.clone()), reason, &fix);
    };
    match (ResourceUri::parse(&text), PublicUrl::parse(&text)) {
        (Ok(resource), Ok(_)) if resource.as_str().ends_with(path) => Some(resource),
        (Ok(_), Ok(_)) => {
            problem("it does not end in the served path");
            None
        }
        (Err(error), _) => {
            problem(&error.to_string());
            None
        }
        (_, Err(reason)) => {
            problem(&reason);
            None
        }
    }
}

/// Where clients of 2024-11-05 connect: `/sse` beside `/mcp`, and `/mcp/NAME/sse`.
fn sse_front(resource: &ResourceUri, path: &str) -> Option<SseSettings> {
    let below = resource.as_str().strip_suffix(path)?;
    let path = if path == "/mcp" { "/sse".to_owned() } else { format!("{path}/sse") };
    let resource = ResourceUri::parse(&format!("{below}{path}")).ok()?;
    Some(SseSettings { path, resource })
}

fn upstream_auth(section: &Reader<'_>) -> Option<UpstreamAuth> {
    let kind = section.text("kind", "none");
    match kind.as_str() {
        "none" => Some(UpstreamAuth::None),
        "header" => {
            let fix = "Write a header name such as \"Authorization\" or \"X-Api-Key\"";
            let name = section.parsed("name", "", fix, str::parse::<HeaderName>);
            if !section.has("value") {
                section.missing("value", "it is missing", "Set the credential for the upstream");
            }
            let value = section.secret("value", true);
            Some(UpstreamAuth::Header { name: name?, value: value? })
        }
        _ => {
            section.problem(
                "kind",
                &Value::String(kind.clone()),
                "this way to authenticate at the upstream is not in this version",
                "Use none or header",
            );
            None
        }
    }
}

fn own_ceiling(section: &Reader<'_>, ceiling: Scopes) -> Scopes {
    let text = section.text("allowed_scopes", "");
    match parse_ceiling(section, &text) {
        Some(own) if !own.is_empty() => own.and(ceiling),
        _ => ceiling,
    }
}

fn policy(section: &Reader<'_>) -> Option<PolicyConfig> {
    let default_scope =
        section.parsed("default_scope", Scope::Admin.as_str(), SCOPE_NAMES, parse_scope);
    let trust_annotations = section.flag("trust_annotations", false);
    let rules = section.sections("rules", rule);
    Some(PolicyConfig {
        rules: rules.into_iter().collect::<Option<Vec<_>>>()?,
        default_scope: default_scope?,
        trust_annotations,
    })
}

fn rule(section: &Reader<'_>) -> Option<Rule> {
    let tools = section.list("tools", &[]);
    let named = !tools.is_empty() && !tools.iter().any(String::is_empty);
    if !named {
        section.missing("tools", "it names no tool", "List tool names; * stands for anything");
    }
    let scope = section.parsed("scope", "", SCOPE_NAMES, parse_scope);
    let fix = "Write \"hide\" or \"challenge\"";
    let visibility = section.parsed("visibility", "hide", fix, |text| match text {
        "hide" => Ok(Visibility::Hide),
        "challenge" => Ok(Visibility::Challenge),
        _ => Err("there is no such visibility"),
    });
    named.then_some(Rule { tools, scope: scope?, visibility: visibility? })
}

fn parse_scope(name: &str) -> Result<Scope, &'static str> {
    Scope::parse(name).ok_or("there is no such scope")
}
