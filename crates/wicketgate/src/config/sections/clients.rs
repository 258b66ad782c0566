//! `[[oauth.client]]`: clients that an operator registers.

mod auth;
mod machine;

use ::auth::config::{Introspector, Machine};
use kernel::Timestamp;
use kernel::id::Kind as _;
use model::person::SubjectKind;
use model::{Client, ClientId, ClientOrigin};
use protocol::client_document::DocumentUrl;
use protocol::redirect_uri::RedirectPolicy;
use protocol::{RedirectUri, Scopes};
use toml::Value;

use crate::config::reader::Reader;

/// A client, and what it may do besides being connected by people.
pub(super) struct ConfiguredClient {
    pub(super) client: Client,
    /// Whether it counts. A disabled one is checked all the same.
    pub(super) enabled: bool,
    /// Whether it is a sidecar, which reports and to which nobody is ever sent.
    pub(super) sidecar: bool,
    /// What it may do for itself, if anything.
    pub(super) machine: Option<Machine>,
    /// Whose tokens it may ask about, if any.
    pub(super) introspector: Option<Introspector>,
}

/// A code for a person, and tokens that follow it.
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";

pub(super) fn read(
    section: &Reader<'_>,
    policy: &RedirectPolicy,
    needed: bool,
) -> Option<ConfiguredClient> {
    let enabled = section.flag("enabled", true);
    let id = id(section);
    if !enabled && id.as_ref().is_some_and(|id| DocumentUrl::is_meant(id.as_str())) {
        section.missing(
            "enabled",
            "without this section the client would be known by the document at its id",
            "Leave it enabled, and switch it off with `wicketgate client disable`",
        );
    }
    let name = section.text("name", "");
    let sidecar = section.flag("sidecar", false);
    let grants = section.list("grant_types", &[CODE, REFRESH]);
    check_grants(section, &grants);
    let has = |grant: &str| grants.iter().any(|one| one == grant);
    let introspects = section.list("introspects", &[]);
    // Nobody is ever sent to a client that no person connects.
    let serves = sidecar || (!introspects.is_empty() && !section.has("redirect_uris"));
    let redirect_uris = if serves || !(has(CODE) || has(REFRESH)) {
        Some(Vec::new())
    } else {
        redirect_uris(section, policy)
    };
    let scopes = scopes(section);
    let auth = auth::read(section, needed);
    if sidecar && !auth::is_confidential(section) {
        section.missing(
            "secret",
            "it is missing; without it anybody who knows the id could write to the record of calls",
            "`wicketgate secret generate` makes a good one",
        );
    }
    let machine = if has(machine::GRANT) {
        machine::read(section, id.as_ref(), scopes)
    } else {
        machine::refuse_servers(section);
        None
    };
    if !introspects.is_empty() && !auth::is_confidential(section) {
        section.missing(
            "secret",
            "it is missing; without it anybody who knows the id could ask about tokens",
            "`wicketgate secret generate` makes a good one",
        );
    }
    let id = id?;
    let introspector = (!introspects.is_empty())
        .then(|| Introspector { client: id.clone(), servers: introspects });
    let client = Client {
        name: if name.is_empty() { id.as_str().to_owned() } else { name },
        id,
        origin: ClientOrigin::Configured,
        redirect_uris: redirect_uris?,
        auth,
        refresh_tokens: has(REFRESH),
        scopes: scopes.unwrap_or(Scopes::ALL),
        created_at: Timestamp::from_millis(0),
    };
    Some(ConfiguredClient { client, enabled, sidecar, machine, introspector })
}

fn id(section: &Reader<'_>) -> Option<ClientId> {
    let fix = "Choose 1 to 200 visible ASCII characters; ids that begin with cli_ or usr_ are taken, and \
               one that begins with https:// must be the URL of the client's metadata document";
    section.parsed("id", "", fix, |text| {
        let visible = (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        // A client that acts for itself is the subject of its tokens, and must not look like a
        // person there (CC-2).
        let taken = [ClientId::PREFIX, SubjectKind::PREFIX];
        let taken = taken.iter().any(|prefix| text.starts_with(prefix))
            || DocumentUrl::is_meant(text) && DocumentUrl::parse(text).is_err();
        if visible && !taken { Ok(ClientId::from_text(text)) } else { Err("it is not a client id") }
    })
}

fn redirect_uris(section: &Reader<'_>, policy: &RedirectPolicy) -> Option<Vec<RedirectUri>> {
    let given = section.list("redirect_uris", &[]);
    if given.is_empty() {
        section.missing("redirect_uris", "it is empty", "List at least one redirect URI");
        return None;
    }
    let mut accepted = Vec::new();
    for uri in &given {
        match RedirectUri::parse(uri, policy) {
            Ok(uri) => accepted.push(uri),
            Err(error) => section.problem(
                "redirect_uris",
                &Value::String(uri.clone()),
                &error.to_string(),
                "Correct the URI",
            ),
        }
    }
    (accepted.len() == given.len()).then_some(accepted)
}

fn check_grants(section: &Reader<'_>, grants: &[String]) {
    let known = [CODE, REFRESH, machine::GRANT];
    for grant in grants {
        if !known.contains(&grant.as_str()) {
            section.problem(
                "grant_types",
                &Value::String(grant.clone()),
                "this grant type is not supported",
                "Use authorization_code and refresh_token, or client_credentials",
            );
        }
    }
}

/// Those that are named; `None` if none are.
fn scopes(section: &Reader<'_>) -> Option<Scopes> {
    let names = section.list("scopes", &[]).join(" ");
    match Scopes::parse_known(&names) {
        Ok(scopes) => Some(scopes).filter(|scopes| !scopes.is_empty()),
        Err(unknown) => {
            section.missing(
                "scopes",
                &format!("there is no scope {unknown}"),
                "Use mcp:read, mcp:write, mcp:process_admin and mcp:admin",
            );
            Some(Scopes::NONE)
        }
    }
}
