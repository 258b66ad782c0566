//! `kind = "oidc"`.

mod client_auth;
mod mistakes;

use auth::providers::BackChannelLogout;
use sso::oidc::{Algorithm, ClaimNames, Config, GroupOverage, Userinfo};
use toml::Value;

use super::Around;
use super::provider::Common;
use crate::config::reader::Reader;
use crate::config::settings::OidcSettings;

pub(super) const KEYS: [&str; 22] = [
    "issuer",
    "discovery_url",
    "client_id",
    "client_secret",
    "client_auth",
    "client_key",
    "client_key_id",
    "scopes",
    "claims",
    "trusted_audiences",
    "signing_algorithms",
    "clock_skew_seconds",
    "userinfo",
    "group_overage",
    "graph_url",
    "authorize_parameters",
    "max_age_seconds",
    "recheck_seconds",
    "logout",
    "backchannel_logout",
    "extra_ca_file",
    "redirect_uri",
];

const GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// `None` together with a filed problem, or if nobody signs in in this process.
pub(super) fn read(
    section: &Reader<'_>,
    common: &Common<'_>,
    around: &Around<'_>,
) -> Option<Box<OidcSettings>> {
    refuse_redirect_uri(section, common, around);
    let config = Config {
        id: common.id.to_owned(),
        issuer: section.text("issuer", ""),
        discovery_url: Some(section.text("discovery_url", "")).filter(|url| !url.is_empty()),
        client_id: section.text("client_id", ""),
        client_auth: client_auth::read(section, around.needed),
        redirect_uri: around.url(&format!("/sign-in/{}/callback", common.id)),
        scopes: section.list("scopes", &["openid", "profile", "email"]),
        claims: claims(section),
        kept_claims: Vec::new(),
        domains: common.domains.to_vec(),
        trusted_audiences: section.list("trusted_audiences", &[]),
        expects_logout_tokens: section.has("backchannel_logout")
            && section.peek("backchannel_logout") != "off",
        expects_groups: false,
        signing_algorithms: algorithms(section),
        clock_skew_seconds: section.integer("clock_skew_seconds", 60, 0..=300),
        userinfo: userinfo(section),
        group_overage: group_overage(section),
        authorize_parameters: section.texts_by_name("authorize_parameters"),
        max_age_seconds: section.optional_integer("max_age_seconds", 0..=31_536_000),
        recheck_seconds: section.integer("recheck_seconds", 0, 0..=86_400),
    };
    let signs_out_there = section.choice("logout", &[("local", false), ("provider", true)]);
    let back_channel = section.choice(
        "backchannel_logout",
        &[
            ("sessions", BackChannelLogout::Sessions),
            ("sessions_and_grants", BackChannelLogout::SessionsAndGrants),
            ("off", BackChannelLogout::Off),
        ],
    );
    let extra_ca = extra_ca(section, around.needed);
    if !around.needed {
        return None;
    }
    let config = mistakes::find(section, config)?;
    Some(Box::new(OidcSettings {
        config,
        signs_out_there: signs_out_there?,
        back_channel: back_channel?,
        extra_ca,
    }))
}

/// People look for it here, because every other product has it.
fn refuse_redirect_uri(section: &Reader<'_>, common: &Common<'_>, around: &Around<'_>) {
    if section.has("redirect_uri") {
        let url = around.url(&format!("/sign-in/{}/callback", common.id));
        let fix = format!("Remove it, and register {url} at the provider");
        section.misplaced("redirect_uri", "it is always made from public_url and id", &fix);
    }
}

fn claims(section: &Reader<'_>) -> ClaimNames {
    section.section("claims", |claims| ClaimNames {
        user: claims.text("user", "sub"),
        name: claims.text("name", "name"),
        email: claims.text("email", "email"),
        groups: claims.text("groups", "groups"),
        organization: claims.text("organization", ""),
    })
}

fn algorithms(section: &Reader<'_>) -> Vec<Algorithm> {
    let key = "signing_algorithms";
    let mut algorithms = Vec::new();
    for name in section.list(key, &["RS256", "ES256", "PS256", "EdDSA"]) {
        match Algorithm::parse(&name) {
            Some(algorithm) => algorithms.push(algorithm),
            None => section.problem(
                key,
                &Value::String(name),
                "it is not a signature algorithm with a public key",
                "Use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA",
            ),
        }
    }
    // Only an empty list is reported as one.
    if algorithms.is_empty() && section.has(key) && !section.list(key, &[]).is_empty() {
        algorithms.push(Algorithm::Rs256);
    }
    algorithms
}

// What is no choice is a filed problem, so nothing starts with the default that stands in for it.

fn userinfo(section: &Reader<'_>) -> Userinfo {
    let choices = [
        ("when_needed", Userinfo::WhenNeeded),
        ("always", Userinfo::Always),
        ("never", Userinfo::Never),
    ];
    section.choice("userinfo", &choices).unwrap_or_default()
}

fn group_overage(section: &Reader<'_>) -> GroupOverage {
    let ask = section.choice("group_overage", &[("refuse", false), ("microsoft_graph", true)]);
    if ask == Some(true) {
        return GroupOverage::MicrosoftGraph { url: section.text("graph_url", GRAPH) };
    }
    if section.has("graph_url") {
        section.misplaced(
            "graph_url",
            "it has no effect without group_overage = \"microsoft_graph\"",
            "Remove it, or set group_overage",
        );
    }
    GroupOverage::Refuse
}

/// Further certificate authorities, in PEM, of which a client could be made.
pub(in crate::config::sections) fn extra_ca(section: &Reader<'_>, needed: bool) -> Option<String> {
    let pem = section.file_text("extra_ca_file", needed)?;
    let route = net::outbound::Route { authorities_pem: Some(&pem), proxy: None };
    match net::outbound::client_by(1, route) {
        Ok(_) => Some(pem),
        Err(error) => {
            let fix = "Name a file with one or more certificates (BEGIN CERTIFICATE)";
            section.missing("extra_ca_file", &format!("it holds no certificate: {error}"), fix);
            None
        }
    }
}
