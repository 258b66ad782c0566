//! The identity providers, from the settings: each with a client and a cache of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use auth::providers::{BackChannelLogout, Provider, ProviderKind};
use kernel::Clock;
use net::outbound::{ForwardProxy, Route};
use protocol::UserType;
use sso::oidc;
use sso::people::People;
use sso::portal::Portal;
use sso::saml::ServiceProvider;
use sso::user_types::UserTypeRule;

use crate::config::{
    KindSettings, OidcSettings, PortalSettings, ProviderSettings, SamlSettings, Settings,
    SignInSettings,
};

/// Seconds for one question to a provider. Somebody is waiting in front of a browser.
const TIMEOUT: u64 = 10;

/// One line that an operator enters at the provider.
pub(crate) struct Registered {
    /// What it is called there.
    pub(crate) name: &'static str,
    /// The URL.
    pub(crate) url: String,
}

/// Every enabled provider, in the order of the file.
pub(crate) fn build(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Vec<Provider>> {
    let Some(oauth) = &settings.oauth else { return Ok(Vec::new()) };
    let SignInSettings::Providers(configured) = &oauth.sign_in else { return Ok(Vec::new()) };
    let kept = kept_claims(settings);
    let proxy = settings.outbound.proxy.as_ref();
    let around = Around { kept: &kept, people: &settings.people(), proxy, clock };
    configured.iter().map(|provider| one(provider, &around)).collect()
}

/// What to register where, in the log: most mistakes in setting up are made there.
pub(super) fn tell(issuer: &str, providers: &[Provider]) {
    for provider in providers {
        for Registered { name, url } in to_register(issuer, provider) {
            tracing::info!(provider = provider.id, what = name, url, "to register at the provider");
        }
    }
}

/// Any of several providers can say that somebody is in a group.
pub(super) fn warn_of_anybodys_rules(providers: &[Provider], rules: &[UserTypeRule]) {
    if providers.len() < 2 {
        return;
    }
    for (index, rule) in rules.iter().enumerate() {
        if rule.user_type != UserType::Basic && rule.people.takes_anybodys_word() {
            tracing::warn!(
                rule = format!("user_type[{index}]"),
                user_type = rule.user_type.as_str(),
                "each of the providers can make people match this rule; write provider = \"…\" \
                 into it to name the one that may"
            );
        }
    }
}

/// The URLs that a provider has to know.
pub(crate) fn to_register(issuer: &str, provider: &Provider) -> Vec<Registered> {
    let id = &provider.id;
    let registered = |name, path: String| Registered { name, url: format!("{issuer}{path}") };
    match &provider.kind {
        ProviderKind::Oidc { signs_out_there, back_channel, .. } => {
            let mut all = vec![registered("redirect URI", format!("/sign-in/{id}/callback"))];
            if *back_channel != BackChannelLogout::Off {
                let path = format!("/sign-in/{id}/backchannel-logout");
                all.push(registered("back-channel logout URL", path));
            }
            if *signs_out_there {
                all.push(registered("post-logout redirect URI", "/signed-out".to_owned()));
            }
            all
        }
        ProviderKind::Saml(_) => vec![
            registered("assertion consumer service (ACS) URL", format!("/saml/{id}/acs")),
            registered("service provider metadata", format!("/saml/{id}/metadata")),
        ],
        ProviderKind::Local => Vec::new(),
        ProviderKind::Portal(_) => {
            vec![registered("return URL", "/authorize/resume".to_owned())]
        }
    }
}

/// The name of a kind, for people.
pub(crate) fn kind_name(kind: &ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Oidc { .. } => "OpenID Connect",
        ProviderKind::Saml(_) => "SAML",
        ProviderKind::Local => "local accounts",
        ProviderKind::Portal(_) => "portal",
    }
}

/// What all providers have in common.
struct Around<'a> {
    /// The claims that are kept of a person.
    kept: &'a [String],
    /// Whom the rules are about.
    people: &'a [(String, &'a People)],
    proxy: Option<&'a ForwardProxy>,
    clock: &'a Arc<dyn Clock>,
}

impl Around<'_> {
    fn client(&self, extra_ca: Option<&str>) -> anyhow::Result<reqwest::Client> {
        let route = Route { authorities_pem: extra_ca, proxy: self.proxy };
        Ok(net::outbound::client_by(TIMEOUT, route)?)
    }
}

fn one(settings: &ProviderSettings, around: &Around<'_>) -> anyhow::Result<Provider> {
    let kind = match &settings.kind {
        KindSettings::Oidc(oidc) => oidc_kind(oidc, around),
        KindSettings::Saml(saml) => service_provider(saml, around).map(ProviderKind::Saml),
        KindSettings::Local => Ok(ProviderKind::Local),
        KindSettings::Portal(portal) => portal_kind(portal, settings),
    };
    Ok(Provider {
        id: settings.id.clone(),
        name: settings.name.clone(),
        domains: settings.domains.clone(),
        kind: kind.with_context(|| format!("the provider {} cannot be used", settings.id))?,
    })
}

fn oidc_kind(settings: &OidcSettings, around: &Around<'_>) -> anyhow::Result<ProviderKind> {
    let config = settings.config.clone();
    let expects_groups =
        around.people.iter().any(|(_, people)| people.look_at_groups_of(&config.id));
    let config = oidc::Config { kept_claims: around.kept.to_vec(), expects_groups, ..config };
    let http = around.client(settings.extra_ca.as_deref())?;
    Ok(ProviderKind::Oidc {
        party: Box::new(oidc::Provider::new(config, http, Arc::clone(around.clock))?),
        signs_out_there: settings.signs_out_there,
        back_channel: settings.back_channel,
    })
}

#[cfg(feature = "saml")]
fn service_provider(
    settings: &SamlSettings,
    around: &Around<'_>,
) -> anyhow::Result<Arc<dyn ServiceProvider>> {
    let config = sso::saml::Config { kept_claims: around.kept.to_vec(), ..settings.config.clone() };
    let http = around.client(settings.extra_ca.as_deref())?;
    Ok(sso::saml::service_provider(config, http, Arc::clone(around.clock))?)
}

/// The configuration has refused it already; this is for the types.
#[cfg(not(feature = "saml"))]
fn service_provider(
    settings: &SamlSettings,
    _: &Around<'_>,
) -> anyhow::Result<Arc<dyn ServiceProvider>> {
    anyhow::bail!("this build has no SAML, which {} needs", settings.config.entity_id)
}

fn portal_kind(
    settings: &PortalSettings,
    provider: &ProviderSettings,
) -> anyhow::Result<ProviderKind> {
    let (id, domains) = (provider.id.clone(), provider.domains.clone());
    Ok(ProviderKind::Portal(Portal::new(id, &settings.url, &settings.key, domains)?))
}

/// The claims that some rule looks at. Others are not kept: what is not in the database cannot
/// leak from it.
fn kept_claims(settings: &Settings) -> Vec<String> {
    let people = settings.people();
    let names: BTreeSet<&String> =
        people.iter().flat_map(|(_, people)| people.claims.keys()).collect();
    names.into_iter().cloned().collect()
}
