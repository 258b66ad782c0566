//! The authorization server's configuration, from the settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use auth::config::{CookieSecurity, MetadataDocuments};
use auth::{AuthServer, Config, Resource, SignIn, ToolCatalogue};
use kernel::Clock;
use net::outbound::{Guard, GuardPolicy};
use protocol::ResourceUri;
use protocol::identity::Email;
use store::Store;

use super::{Ambient, hosts, providers};
use crate::config::{
    DocumentSettings, FIXED_USER_PROVIDER, OAuthSettings, ServerSettings, Settings, SignInSettings,
};

/// How often a replica asks the database for changes that it was not told of.
const POLL: Duration = Duration::from_secs(2);

/// Starts the authorization server.
pub(super) async fn build(
    settings: &Settings,
    store: Store,
    catalogue: Arc<dyn ToolCatalogue>,
    ambient: &Ambient,
) -> anyhow::Result<Arc<AuthServer>> {
    let oauth = settings.oauth.as_ref().context("the authorization server is not configured")?;
    let sign_in = sign_in(settings, oauth, &ambient.clock)?;
    match &sign_in {
        SignIn::Providers(all) => {
            providers::tell(settings.issuer.as_str(), all);
            providers::warn_of_anybodys_rules(all, &oauth.user_types);
        }
        SignIn::Nobody | SignIn::DemoPeople | SignIn::FixedUser(_) => {}
    }
    let config = config(settings, oauth, sign_in);
    AuthServer::start(
        config,
        resources(&settings.mcp.servers),
        store,
        Arc::clone(&ambient.clock),
        Arc::clone(&ambient.random),
        catalogue,
    )
    .await
    .context("the authorization server cannot start")
}

/// The servers as resources of the authorization server.
pub(super) fn resources(servers: &[ServerSettings]) -> Vec<Resource> {
    let resource = |server: &ServerSettings, uri: &ResourceUri| Resource {
        name: server.name.clone(),
        title: server.title.clone(),
        scope_words: server.scope_words.clone(),
        uri: uri.clone(),
        ceiling: server.ceiling,
        access: server.access.clone(),
    };
    let own = servers.iter().map(|server| resource(server, &server.resource));
    // The same servers at the URLs of 2024-11-05 clients; the first of all stays the default.
    let sse = servers.iter();
    let sse = sse.filter_map(|server| Some(resource(server, &server.sse.as_ref()?.resource)));
    own.chain(sse).collect()
}

fn config(settings: &Settings, oauth: &OAuthSettings, sign_in: SignIn) -> Config {
    Config {
        issuer: settings.issuer.as_str().to_owned(),
        title: settings.server.title.clone(),
        default_scopes: oauth.default_scopes,
        access_token_lifetime: oauth.access_token_lifetime,
        code_lifetime: oauth.code_lifetime,
        refresh_token_lifetime: oauth.refresh_token_lifetime,
        refresh_reuse_grace: oauth.refresh_reuse_grace,
        remembered_consent: oauth.remembered_consent,
        redirect_policy: oauth.redirect_policy.clone(),
        registration: oauth.registration.clone(),
        documents: documents(settings, oauth),
        signing_key_rotation: oauth.signing_key_rotation,
        authorizations_per_minute: oauth.authorizations_per_minute,
        tokens_per_minute: oauth.tokens_per_minute,
        clients: oauth.clients.clone(),
        sidecars: oauth.sidecars.clone(),
        machines: oauth.machines.clone(),
        introspectors: oauth.introspectors.clone(),
        audit_retention_seconds: oauth.audit_retention_seconds,
        poll: POLL,
        sign_in,
        allowed_hosts: hosts::allowed(settings),
        user_types: oauth.user_types.clone(),
        key_encryption_key: oauth.key_encryption_key.derive("seal"),
        old_key_encryption_keys: oauth
            .old_key_encryption_keys
            .iter()
            .map(|key| key.derive("seal"))
            .collect(),
        bridge_secret: oauth.bridge_secret.clone(),
        cookies: if settings.issuer.is_https() {
            CookieSecurity::Https
        } else {
            CookieSecurity::LoopbackHttp
        },
    }
}

/// Documents are fetched over the same proxy as what identity providers are asked.
fn documents(settings: &Settings, oauth: &OAuthSettings) -> MetadataDocuments {
    let Some(DocumentSettings { policy, bundled }) = &oauth.documents else {
        return MetadataDocuments::default();
    };
    let proxy = settings.outbound.proxy.clone();
    let guard = Guard::new(GuardPolicy { proxy, ..policy.clone() });
    MetadataDocuments { guard: Some(Arc::new(guard)), bundled: *bundled }
}

fn sign_in(
    settings: &Settings,
    oauth: &OAuthSettings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<SignIn> {
    Ok(match &oauth.sign_in {
        SignInSettings::Nobody => SignIn::Nobody,
        SignInSettings::DemoPeople => SignIn::DemoPeople,
        SignInSettings::FixedUser(name) => SignIn::FixedUser(sso::Identity {
            provider: FIXED_USER_PROVIDER.to_owned(),
            external_id: name.clone(),
            name: name.clone(),
            email: name.contains('@').then(|| Email { address: name.clone(), verified: true }),
            ..sso::Identity::default()
        }),
        SignInSettings::Providers(_) => SignIn::Providers(providers::build(settings, clock)?),
    })
}
