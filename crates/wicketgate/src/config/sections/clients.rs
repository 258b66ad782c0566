//! `[[oauth.client]]`: clients that an operator registers.

use kernel::encoding::sha256_base64url;
use kernel::{Hashed, Timestamp};
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::redirect_uri::RedirectPolicy;
use protocol::{RedirectUri, Scopes};
use toml::Value;

use crate::config::reader::Reader;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// People connect it.
    People,
    /// It is a sidecar, which reports and to which nobody is ever sent.
    Sidecar,
}

pub(super) fn read(
    section: &Reader<'_>,
    policy: &RedirectPolicy,
    needed: bool,
) -> Option<(Client, Use)> {
    let id = id(section);
    let name = section.text("name", "");
    let sidecar = section.flag("sidecar", false);
    let redirect_uris = if sidecar { Some(Vec::new()) } else { redirect_uris(section, policy) };
    let grants = section.list("grant_types", &["authorization_code", "refresh_token"]);
    let refresh_tokens = check_grants(section, &grants);
    let scopes = scopes(section);
    let auth = auth(section, needed);
    if sidecar && !section.has("secret") {
        section.missing(
            "secret",
            "it is missing; without it anybody who knows the id could write to the record of calls",
            "`wicketgate secret generate` makes a good one",
        );
    }
    let id = id?;
    let client = Client {
        name: if name.is_empty() { id.as_str().to_owned() } else { name },
        id,
        origin: ClientOrigin::Configured,
        redirect_uris: redirect_uris?,
        auth,
        refresh_tokens,
        scopes,
        created_at: Timestamp::from_millis(0),
    };
    Some((client, if sidecar { Use::Sidecar } else { Use::People }))
}

fn id(section: &Reader<'_>) -> Option<ClientId> {
    let fix = "Choose 1 to 200 visible ASCII characters; ids that begin with https:// or cli_ are \
               taken";
    section.parsed("id", "", fix, |text| {
        let visible = (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let taken = text.starts_with("https://") || text.starts_with(ClientId::PREFIX);
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

fn check_grants(section: &Reader<'_>, grants: &[String]) -> bool {
    let known = ["authorization_code", "refresh_token"];
    for grant in grants {
        if !known.contains(&grant.as_str()) {
            section.problem(
                "grant_types",
                &Value::String(grant.clone()),
                "this grant type is not supported",
                "Use authorization_code and refresh_token",
            );
        }
    }
    grants.iter().any(|grant| grant == "refresh_token")
}

fn scopes(section: &Reader<'_>) -> Scopes {
    let names = section.list("scopes", &[]).join(" ");
    match Scopes::parse_known(&names) {
        Ok(scopes) if scopes.is_empty() => Scopes::ALL,
        Ok(scopes) => scopes,
        Err(unknown) => {
            section.missing(
                "scopes",
                &format!("there is no scope {unknown}"),
                "Use mcp:read, mcp:write, mcp:process_admin and mcp:admin",
            );
            Scopes::NONE
        }
    }
}

/// A secret is compared by its hash; it stays in the configuration and reaches no database.
fn auth(section: &Reader<'_>, needed: bool) -> ClientAuth {
    if section.has("secret") && section.is_blank("secret") {
        section.missing(
            "secret",
            "it is empty, which would make this a client without authentication",
            "Set it, or remove the key for a public client",
        );
    }
    match section.secret("secret", needed) {
        Some(secret) => {
            if secret.reveal().len() < 16 {
                section.missing(
                    "secret",
                    "it is shorter than 16 characters",
                    "`wicketgate secret generate` makes a good one",
                );
            }
            let hash = sha256_base64url(secret.reveal().as_bytes());
            ClientAuth::SecretBasic(Hashed::from_stored(hash))
        }
        None => ClientAuth::None,
    }
}
