//! `POST /sign-in/{provider}/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0 §2.5):
//! the provider says that a session there is over, so ours ends, and the person's grants too if
//! the operator wants that (LO-1).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use model::person::hash_upstream_session;
use protocol::OAuthErrorCode;
use sso::ProviderError;
use store::unit::{EndUpstreamSessions, EndUpstreamSessionsOutcome, OneTime};

use super::failure::{find, last_segment_but};
use crate::answer::ClientFailure;
use crate::providers::{BackChannelLogout, ProviderKind};
use crate::request;
use crate::server::AuthServer;

/// Takes a logout token.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let id = last_segment_but(request.uri(), "backchannel-logout").to_owned();
    let provider = find(&server, &id).map_err(|_| not_here())?;
    let ProviderKind::Oidc { party, back_channel, .. } = &provider.kind else {
        return Err(not_here());
    };
    if *back_channel == BackChannelLogout::Off {
        return Err(not_here());
    }
    let (_, params) = request::form(request).await?;
    let token = params.one("logout_token").map_err(request::invalid)?;
    let token = token.ok_or_else(|| refuse("the logout_token is missing"))?;
    let notice = party.verify_logout_token(token).await.map_err(|error| {
        tracing::warn!(provider = provider.id, %error, "a logout token was refused");
        match error {
            ProviderError::Unavailable(_) => OAuthErrorCode::TemporarilyUnavailable
                .because("the provider's keys cannot be fetched; send the token again")
                .into(),
            _ => refuse("the logout token is not valid"),
        }
    })?;
    let unit = EndUpstreamSessions {
        provider: provider.id.clone(),
        external_id: notice.external_id,
        upstream_session: notice.session.as_deref().map(hash_upstream_session),
        one_time: OneTime {
            purpose: format!("logout_token:{}", provider.id),
            id: notice.one_time_id,
            expires_at: notice.expires_at,
        },
        end_grants: *back_channel == BackChannelLogout::SessionsAndGrants,
        now: server.now(),
    };
    match server.store.write(unit).await? {
        EndUpstreamSessionsOutcome::Ended { sessions, grants } => {
            tracing::info!(provider = provider.id, sessions, grants, "the provider ended sessions");
            if grants > 0 {
                server.announce_change();
            }
            Ok(no_content())
        }
        EndUpstreamSessionsOutcome::Replayed => Err(refuse("the logout token was used before")),
    }
}

fn refuse(why: &'static str) -> ClientFailure {
    OAuthErrorCode::InvalidRequest.because(why).into()
}

fn not_here() -> ClientFailure {
    ClientFailure::NotHere("this provider's logout tokens are not taken here")
}

fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    net::headers::client_endpoint(response.headers_mut());
    response
}
