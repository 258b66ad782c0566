//! The person goes to a provider. `state`, `nonce`, PKCE or a SAML request are made here, after
//! the click and not before (CO-1, T-CB-05).

use std::net::IpAddr;

use axum::response::Response;
use kernel::Plain;
use model::upstream::{UPSTREAM_LIFETIME_SECONDS, UpstreamSignIn, UpstreamState};
use pages::{Deployment, UpstreamPost};
use sso::Go;
use store::unit::{BeginOutcome, BeginUpstream, Room};

use super::failure::{at_provider, no_such_provider, only_from_an_app};
use super::waiting::{Pending, Waiting};
use crate::answer::{PageFailure, see_other};
use crate::endpoint::visit::Visit;
use crate::providers::{Provider, ProviderKind};
use crate::server::AuthServer;

/// People who may be away at providers at the same time.
const MAX_AWAY: i64 = 100_000;

/// Whether this provider can say who somebody is in this visit: nobody switched it off, and a portal
/// vouches for somebody in an authorization, of which the account page has none.
pub(super) fn can_begin(server: &AuthServer, visit: &Visit, provider: &Provider) -> bool {
    let has_place = visit.handle().is_some() || !matches!(provider.kind, ProviderKind::Portal(_));
    has_place && !server.disabled.has_provider(&provider.id)
}

/// Sends the person to the provider, or to our own page for local accounts.
pub(super) async fn begin(
    server: &AuthServer,
    visit: &Visit,
    from: IpAddr,
    provider: &Provider,
    email: Option<&str>,
) -> Result<Response, PageFailure> {
    if server.disabled.has_provider(&provider.id) {
        return Err(no_such_provider());
    }
    if !server.throttle.departure(from) {
        return Err(PageFailure::TooFast);
    }
    let state = Plain::<UpstreamState>::generate(&*server.random);
    let begun = match &provider.kind {
        ProviderKind::Oidc { party, .. } => party
            .begin(state.reveal(), email, &*server.random)
            .await
            .map(|(go, pending)| (go, Pending::Oidc(pending))),
        ProviderKind::Saml(party) => party
            .begin(state.reveal(), &*server.random)
            .await
            .map(|(go, pending)| (go, Pending::Saml(pending))),
        ProviderKind::Local => {
            return see_other(&visit.step(server, &format!("/sign-in/{}", provider.id)));
        }
        ProviderKind::Portal(portal) => {
            let handle = visit.handle().ok_or_else(only_from_an_app)?;
            return see_other(&portal.begin(handle.reveal()));
        }
    };
    let (go, pending) = begun.map_err(|error| at_provider(provider, error))?;
    let source = server.throttle.source(from);
    remember(server, visit, source, provider, &state, pending).await?;
    leave(server, provider, &go)
}

async fn remember(
    server: &AuthServer,
    visit: &Visit,
    source: String,
    provider: &Provider,
    state: &Plain<UpstreamState>,
    pending: Pending,
) -> Result<(), PageFailure> {
    let now = server.now();
    let waiting = Waiting::new(visit.handle(), state, pending);
    let state = state.hash();
    let sign_in = UpstreamSignIn {
        provider: provider.id.clone(),
        browser: visit.binding.hash(),
        handle: visit.handle_hash(),
        pending_sealed: waiting.seal(server, &state)?,
        answer_sealed: None,
        created_at: now,
        expires_at: now.plus_seconds(UPSTREAM_LIFETIME_SECONDS),
        state,
    };
    match server.store.write(BeginUpstream { sign_in, source, room: Room::of(MAX_AWAY) }).await? {
        BeginOutcome::Begun => Ok(()),
        BeginOutcome::TooMany => Err(PageFailure::Overloaded),
    }
}

fn leave(server: &AuthServer, provider: &Provider, go: &Go) -> Result<Response, PageFailure> {
    match go {
        Go::Redirect(url) => see_other(url),
        Go::Post { url, fields } => Ok(Visit::page(pages::upstream_post(&UpstreamPost {
            deployment: Deployment { title: &server.config.title },
            provider_name: &provider.name,
            url,
            fields,
        }))),
    }
}
