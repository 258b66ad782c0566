//! `[oauth]`, `[oauth.registration]` and `[[oauth.client]]`.

use auth::config::Registration;
use kernel::Redacted;
use kernel::seal::SealingKey;
use net::outbound::GuardPolicy;
use protocol::Scopes;
use protocol::redirect_uri::RedirectPolicy;
use protocol::registration::AllowedRedirects;
use sso::user_types::UserTypeRule;

use super::clients;
use super::people;
use super::sign_in::SignInSection;
use super::sign_in::extra_ca;
use crate::config::reader::Reader;
use crate::config::settings::{DocumentSettings, OAuthSettings, Role, SignInSettings};
use crate::config::urls::PublicUrl;

/// Private-use schemes of well-known clients (CL-21).
const SCHEMES: [&str; 5] = ["cursor", "vscode", "vscode-insiders", "warp", "raycast"];

/// Bytes of an initial access token, which nobody may guess.
const TOKEN_BYTES: usize = 32;

/// Bytes of a bridge secret; HS256 wants a key as long as its hash (RFC 7518 §3.2).
const BRIDGE_SECRET_BYTES: usize = 32;

pub(super) fn issuer(section: &Reader<'_>, public_url: Option<&PublicUrl>) -> Option<PublicUrl> {
    if section.text("issuer", "").is_empty() {
        return public_url.cloned();
    }
    let fix = "Leave it empty to use public_url, or write the issuer that clients know already";
    section.parsed("issuer", "", fix, PublicUrl::parse)
}

pub(super) fn read(
    section: &Reader<'_>,
    role: Role,
    sign_in: SignInSection,
    mut user_types: Vec<UserTypeRule>,
) -> Option<OAuthSettings> {
    let needed = role != Role::Mcp;
    if matches!(sign_in.way, SignInSettings::DemoPeople) && user_types.is_empty() {
        user_types = people::demo_rules();
    }
    refuse_disabled(section);
    let key_encryption_key = key_encryption_key(section, needed);
    let old_key_encryption_keys = old_keys(section);
    let bridge_secret = bridge_secret(section, needed);
    let redirect_policy = RedirectPolicy {
        allow_loopback: section.flag("allow_loopback_redirects", true),
        allowed_schemes: section.list("allowed_redirect_schemes", &SCHEMES),
    };
    let audit_retention_days = section.integer("audit_retention_days", 365, 0..=3650);
    let signing_key_rotation_days = section.integer("signing_key_rotation_days", 90, 0..=3650);
    let access_token_lifetime = section.integer("access_token_lifetime_seconds", 3600, 60..=86_400);
    let code_lifetime = section.integer("authorization_code_lifetime_seconds", 600, 10..=600);
    let refresh_token_lifetime =
        section.integer("refresh_token_lifetime_seconds", 7_776_000, 300..=31_536_000);
    let refresh_reuse_grace = section.integer("refresh_reuse_grace_seconds", 120, 0..=300);
    let remembered_consent =
        section.integer("remembered_consent_seconds", 2_592_000, 0..=31_536_000);
    let default_scopes = default_scopes(section);
    let per_minute = section.integer("authorizations_per_minute", 60, 1..=100_000);
    let authorizations_per_minute = u32::try_from(per_minute).unwrap_or(60);
    let per_minute = section.integer("tokens_per_minute", 1_200, 1..=1_000_000);
    let tokens_per_minute = u32::try_from(per_minute).unwrap_or(1_200);
    let (registration, documents) = section.section("registration", |section| {
        (registration(section, needed), documents(section, needed))
    });
    let clients: Vec<_> = section
        .sections("client", |client| clients::read(client, &redirect_policy, needed))
        .into_iter()
        .flatten()
        .filter(|one| one.enabled)
        .collect();
    let sidecars = clients.iter().filter(|one| one.sidecar);
    let sidecars = sidecars.map(|one| one.client.id.clone()).collect();
    let machines = clients.iter().filter_map(|one| one.machine.clone()).collect();
    let introspectors = clients.iter().filter_map(|one| one.introspector.clone()).collect();
    let clients = clients.into_iter().map(|one| one.client).collect();
    if !needed {
        return None;
    }
    Some(OAuthSettings {
        key_encryption_key: key_encryption_key?,
        old_key_encryption_keys,
        bridge_secret: bridge_secret?,
        access_token_lifetime,
        code_lifetime,
        refresh_token_lifetime,
        refresh_reuse_grace,
        remembered_consent,
        redirect_policy,
        default_scopes,
        signing_key_rotation: (signing_key_rotation_days > 0)
            .then_some(signing_key_rotation_days * 86_400),
        registration,
        documents,
        authorizations_per_minute,
        tokens_per_minute,
        clients,
        sidecars,
        machines,
        introspectors,
        audit_retention_seconds: (audit_retention_days > 0)
            .then_some(audit_retention_days * 86_400),
        sign_in: sign_in.way,
        accounts: sign_in.accounts,
        user_types,
    })
}

fn registration(section: &Reader<'_>, needed: bool) -> Registration {
    let enabled = section.flag("dynamic", true);
    let per_minute = section.integer("per_minute", 120, 1..=100_000);
    let key = "initial_access_token";
    let initial_access_token = section.own_key(key, needed);
    if initial_access_token.as_ref().is_some_and(|it| it.reveal().len() < TOKEN_BYTES) {
        let fix = "Set it to the output of `wicketgate secret generate`";
        section.missing(key, "it is shorter than 32 characters", fix);
    }
    let key = "allowed_redirects";
    let entries = section.list(key, &[]);
    let allowed_redirects = AllowedRedirects::parse(entries.iter().map(String::as_str));
    let allowed_redirects = allowed_redirects.unwrap_or_else(|(entry, how)| {
        section.missing(key, &format!("{entry:?} is no redirect URI"), &how.to_string());
        AllowedRedirects::default()
    });
    let per_minute = u32::try_from(per_minute).unwrap_or(120);
    Registration { enabled, per_minute, initial_access_token, allowed_redirects }
}

fn documents(section: &Reader<'_>, needed: bool) -> Option<DocumentSettings> {
    let enabled = section.flag("metadata_documents", true);
    let hosts = section.list("metadata_document_hosts", &[]);
    let private_hosts = section.list("private_hosts", &[]);
    let authorities_pem = extra_ca(section, needed);
    let bundled = section.flag("bundled_documents", false);
    for (key, names) in [("metadata_document_hosts", &hosts), ("private_hosts", &private_hosts)] {
        let is_host = |name: &String| !name.is_empty() && !name.contains(['/', ':', '*', '@', ' ']);
        if let Some(odd) = names.iter().find(|name| !is_host(name)) {
            let fix =
                "Write host names without scheme, port and *, such as \"clients.example.com\"";
            section.missing(key, &format!("{odd:?} is no host name"), fix);
        }
    }
    let policy = GuardPolicy { hosts, private_hosts, authorities_pem, proxy: None };
    enabled.then_some(DocumentSettings { policy, bundled })
}

fn refuse_disabled(section: &Reader<'_>) {
    if !section.flag("enabled", true) {
        section.missing(
            "enabled",
            "this version cannot run without the authorization server",
            "Remove it, or run `serve --role mcp` for the sidecar alone",
        );
    }
}

/// T-KEY-07: missing, short and unreadable keys are found here, before anything starts.
fn key_encryption_key(section: &Reader<'_>, needed: bool) -> Option<SealingKey> {
    let key = "key_encryption_key";
    if needed && section.is_blank(key) {
        section.missing(
            key,
            "it is missing; signing keys are sealed with it",
            "Set { env = \"WICKETGATE_KEY_ENCRYPTION_KEY\" } and put the output of `wicketgate \
             secret generate` there",
        );
    }
    let secret = section.own_key(key, needed)?;
    parse_key(section, key, &secret)
}

fn old_keys(section: &Reader<'_>) -> Vec<SealingKey> {
    let key = "old_key_encryption_keys";
    let texts = section.secrets(key);
    texts.iter().filter_map(|secret| parse_key(section, key, secret)).collect()
}

fn parse_key(section: &Reader<'_>, key: &str, secret: &Redacted) -> Option<SealingKey> {
    SealingKey::parse(secret.reveal())
        .map_err(|error| {
            section.missing(key, &error.to_string(), "The value must be 32 bytes in base64");
        })
        .ok()
}

fn bridge_secret(section: &Reader<'_>, needed: bool) -> Option<Redacted> {
    let key = "bridge_token_signing_secret";
    let fix = "Set { env = \"WICKETGATE_BRIDGE_SECRET\" } and put the output of `wicketgate \
               secret generate` there";
    if needed && section.is_blank(key) {
        section.missing(key, "it is missing; the way back from sign-in is signed with it", fix);
    }
    let secret = section.own_key(key, needed)?;
    if secret.reveal().len() < BRIDGE_SECRET_BYTES {
        section.missing(key, "it is shorter than 32 characters", fix);
        return None;
    }
    Some(secret)
}

fn default_scopes(section: &Reader<'_>) -> Scopes {
    let names = section.list("default_scopes", &[]).join(" ");
    Scopes::parse_known(&names).unwrap_or_else(|unknown| {
        section.missing(
            "default_scopes",
            &format!("there is no scope {unknown}"),
            "Use mcp:read, mcp:write, mcp:process_admin and mcp:admin",
        );
        Scopes::NONE
    })
}
