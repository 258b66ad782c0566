//! Errors that go back to the client.

use axum::response::Response;
use http::StatusCode;
use model::ClientOrigin;
use net::headers::FormTarget;
use pages::{Client, Deployment, Interstitial};
use protocol::OAuthError;

use super::Asker;
use crate::answer::{PageFailure, page_response, see_other};
use crate::endpoint::transaction::{answer_url, error_params, standing};
use crate::server::AuthServer;

/// Sends an error to the client. One that registered itself gets it only after a click of the
/// person, or this server could be used to send people anywhere (RU-10, OAuth 2.1 §7.12).
pub(super) fn refuse(
    server: &AuthServer,
    asker: &Asker,
    error: &OAuthError,
) -> Result<Response, PageFailure> {
    tracing::info!(client.id = %asker.client.id, error.code = error.code.as_str(),
        error.description = %error.description, "authorization refused");
    // A state that is too long to check is too long to send back.
    let state = asker.state.as_deref().filter(|state| state.len() <= 4096);
    let location = answer_url(server, &asker.redirect_uri, state, &error_params(error));
    if asker.client.origin == ClientOrigin::Configured {
        return see_other(&location);
    }
    let html = pages::interstitial(&Interstitial {
        deployment: Deployment { title: &server.config.title },
        client: Client { name: &asker.client.name, standing: standing(asker.client.origin) },
        redirect: &asker.redirect_uri,
        what_happened: &format!("The app's request cannot be used: {}.", error.description),
        return_url: &location,
    });
    Ok(page_response(StatusCode::BAD_REQUEST, html, FormTarget::OwnSite))
}
