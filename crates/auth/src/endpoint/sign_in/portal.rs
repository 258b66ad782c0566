//! A portal vouches for somebody: its bridge token arrives at `/authorize/resume`.

use store::unit::OneTime;

use super::complete::Proof;
use crate::config::SignIn;
use crate::endpoint::transaction::Opened;
use crate::providers::ProviderKind;
use crate::server::AuthServer;

/// What a portal's token proves, if it is one for this transaction. Our own bridge tokens are
/// signed with another key and are nobody's here.
///
/// The portal's word is good in the browser in which the authorization began (checked by the
/// caller), for this authorization, and once.
pub(in crate::endpoint) fn vouches(
    server: &AuthServer,
    opened: &Opened,
    unverified_token: &str,
) -> Option<Proof> {
    let SignIn::Providers(providers) = &server.config.sign_in else { return None };
    let txn = opened.handle.reveal();
    providers.iter().find_map(|provider| {
        let ProviderKind::Portal(portal) = &provider.kind else { return None };
        match portal.finish(unverified_token, &server.config.issuer, txn, server.now()) {
            Ok(assertion) => Some(Proof {
                signed_in: assertion.signed_in,
                one_time: Some(OneTime {
                    purpose: format!("portal:{}", provider.id),
                    id: assertion.one_time_id,
                    expires_at: assertion.expires_at,
                }),
            }),
            Err(error) => {
                tracing::debug!(provider = provider.id, %error, "not this portal's token");
                None
            }
        }
    })
}
