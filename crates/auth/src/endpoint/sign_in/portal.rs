//! A portal vouches for somebody: its bridge token arrives at `/authorize/resume`.

use kernel::Plain;
use model::authorization::AuthorizationHandle;
use sso::ProviderError;
use sso::portal::Portal;
use store::unit::{EndStolen, OneTime};

use super::complete::Proof;
use super::failure::{at_provider, rejected};
use crate::answer::PageFailure;
use crate::config::SignIn;
use crate::endpoint::transaction::Opened;
use crate::providers::{Provider, ProviderKind};
use crate::server::AuthServer;

/// What a portal's token proves, if it is one for this transaction; `None` where there are no
/// portals. Our own bridge tokens are signed with another key and are no portal's.
///
/// A portal's word is good in the browser in which the authorization began (checked by the
/// caller), for this authorization, and once.
pub(in crate::endpoint) async fn vouches(
    server: &AuthServer,
    opened: &Opened,
    unverified_token: &str,
) -> Result<Option<Proof>, PageFailure> {
    let mut refusal = None;
    for (provider, portal) in portals(server) {
        match verify(server, opened, provider, portal, unverified_token) {
            Ok(proof) => return Ok(Some(proof)),
            // The portal that the token names has the last word; else the first one has.
            Err(error) if refusal.is_none() || portal.is_named_by(unverified_token) => {
                refusal = Some((provider, error));
            }
            Err(_) => {}
        }
    }
    let Some((provider, error)) = refusal else { return Ok(None) };
    // Anybody can bring tokens of their own making: one row for each authorization.
    let once = OneTime {
        purpose: "portal rejected".to_owned(),
        id: opened.authorization.handle.as_str().to_owned(),
        expires_at: opened.authorization.expires_at,
    };
    rejected(server, provider, &error, Some(once)).await?;
    Err(at_provider(provider, error))
}

/// A portal's token for this authorization came to another browser than the one in which that
/// began, so somebody else has seen it: it is worth nothing there either (A10).
pub(in crate::endpoint) async fn end_stolen(
    server: &AuthServer,
    handle: &Plain<AuthorizationHandle>,
    unverified_token: &str,
) -> Result<(), PageFailure> {
    let (issuer, txn, now) = (&server.config.issuer, handle.reveal(), server.now());
    let genuine =
        portals(server).find(|(_, it)| it.finish(unverified_token, issuer, txn, now).is_ok());
    let Some((provider, _)) = genuine else { return Ok(()) };
    let unit = EndStolen { handle: handle.hash(), provider: provider.id.clone(), now };
    Ok(server.store.write(unit).await?)
}

fn portals(server: &AuthServer) -> impl Iterator<Item = (&Provider, &Portal)> {
    let providers = match &server.config.sign_in {
        SignIn::Providers(providers) => providers.as_slice(),
        SignIn::Nobody | SignIn::DemoPeople | SignIn::FixedUser(_) => &[],
    };
    providers.iter().filter_map(|provider| match &provider.kind {
        ProviderKind::Portal(portal) => Some((provider, portal)),
        _ => None,
    })
}

fn verify(
    server: &AuthServer,
    opened: &Opened,
    provider: &Provider,
    portal: &Portal,
    unverified_token: &str,
) -> Result<Proof, ProviderError> {
    let (issuer, txn) = (&server.config.issuer, opened.handle.reveal());
    let assertion = portal.finish(unverified_token, issuer, txn, server.now())?;
    Ok(Proof {
        signed_in: assertion.signed_in,
        one_time: Some(OneTime {
            purpose: format!("portal:{}", provider.id),
            id: assertion.one_time_id,
            expires_at: assertion.expires_at,
        }),
    })
}
