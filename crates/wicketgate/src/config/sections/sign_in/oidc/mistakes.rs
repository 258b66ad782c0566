//! What the relying party itself finds wrong, told at the right key.

use sso::oidc::{Algorithm, ClientAuth, Config, ConfigError, GroupOverage};
use toml::Value;

use crate::config::reader::Reader;

/// More mistakes than there are kinds of them.
const MOST: usize = 64;

/// The configuration if it is good. Each mistake is filed and mended in a copy, so that the next
/// one is found as well.
pub(super) fn find(section: &Reader<'_>, config: Config) -> Option<Config> {
    let mut mended = config.clone();
    for found in 0..MOST {
        match mended.check() {
            Ok(()) => return (found == 0).then_some(config),
            Err(error) => {
                file(section, &mended, &error);
                mend(&mut mended, &error);
            }
        }
    }
    None
}

fn file(section: &Reader<'_>, config: &Config, error: &ConfigError) {
    let reason = error.to_string();
    match error {
        ConfigError::BadIssuer | ConfigError::ManyTenants => section.problem(
            "issuer",
            &Value::String(config.issuer.clone()),
            &reason,
            "Copy `issuer` from the provider's /.well-known/openid-configuration",
        ),
        _ => {
            let (key, fix) = place(error);
            section.missing(key, &reason, fix);
        }
    }
}

/// The key that a mistake is about, and what to do.
fn place(error: &ConfigError) -> (&'static str, &'static str) {
    match error {
        ConfigError::BadIssuer | ConfigError::ManyTenants => ("issuer", "Correct it"),
        ConfigError::BadDiscovery => (
            "discovery_url",
            "Remove it, or write the whole address of the provider's discovery document",
        ),
        ConfigError::NoClientId => {
            ("client_id", "Register Wicketgate at the provider and copy the client id")
        }
        ConfigError::NoSecret => ("client_secret", "Set it, or client_auth = \"none\""),
        ConfigError::BadKey(_) => ("client_key", "Use a private key in PEM"),
        ConfigError::BadRedirectUri => ("id", "Correct public_url or oauth.issuer"),
        ConfigError::BadScope(_) => ("scopes", "Write each scope as a text of its own"),
        ConfigError::NoAlgorithms => {
            ("signing_algorithms", "Remove the key, or name what the provider signs with")
        }
        ConfigError::NoUserClaim => ("claims.user", "Write \"sub\""),
        ConfigError::BadClockSkew => ("clock_skew_seconds", "Choose 0 to 300"),
        ConfigError::BadMaxAge => ("max_age_seconds", "Choose a number of seconds"),
        ConfigError::BadRecheck => ("recheck_seconds", "Choose 60 to 86400, or 0 for never"),
        ConfigError::NoOfflineAccess => (
            "scopes",
            "Add \"offline_access\"; for Google instead, authorize_parameters = { access_type = \
             \"offline\", prompt = \"consent\" }",
        ),
        ConfigError::ReservedParameter(_) => {
            ("authorize_parameters", "Remove it; Wicketgate sets it itself")
        }
        ConfigError::BadGraph => {
            ("graph_url", "Remove it for the usual cloud, or write that of a national one")
        }
    }
}

fn mend(config: &mut Config, error: &ConfigError) {
    match error {
        ConfigError::BadIssuer | ConfigError::ManyTenants => {
            "https://issuer.invalid".clone_into(&mut config.issuer);
        }
        ConfigError::BadDiscovery => config.discovery_url = None,
        ConfigError::NoClientId => "unknown".clone_into(&mut config.client_id),
        ConfigError::NoSecret | ConfigError::BadKey(_) => config.client_auth = ClientAuth::None,
        ConfigError::BadRedirectUri => {
            "https://redirect.invalid/".clone_into(&mut config.redirect_uri);
        }
        ConfigError::BadScope(scope) => config.scopes.retain(|other| other != scope),
        ConfigError::NoAlgorithms => config.signing_algorithms = vec![Algorithm::Rs256],
        ConfigError::NoUserClaim => "sub".clone_into(&mut config.claims.user),
        ConfigError::BadClockSkew => config.clock_skew_seconds = 0,
        ConfigError::BadMaxAge => config.max_age_seconds = None,
        // Within bounds, so that a missing scope is found as well.
        ConfigError::BadRecheck => config.recheck_seconds = 60,
        ConfigError::NoOfflineAccess => config.recheck_seconds = 0,
        ConfigError::ReservedParameter(name) => {
            config.authorize_parameters.retain(|(other, _)| other != name);
        }
        ConfigError::BadGraph => config.group_overage = GroupOverage::Refuse,
    }
}
