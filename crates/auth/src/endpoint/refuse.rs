//! Errors that go back to the client (RFC 6749 §4.1.2.1).
//!
//! A client that registered itself gets one only after a click of the person, whatever led to it,
//! or a link to this server could be used to send people anywhere (RU-10, OAuth 2.1 §7.12, A3). The
//! one refusal without a page of its own is the click on the consent page, which names the host.
//!
//! For a request that cannot be used the page takes the place of a redirect, so it is 200, not 400:
//! fastmcp asks for `/authorize` by itself first, reads 400 as "the client is unknown", and gives up
//! on everything that is neither 200 nor a redirect.

use axum::response::Response;
use http::StatusCode;
use model::{AuthorizationRequest, ClientId, ClientOrigin};
use net::headers::FormTarget;
use pages::{Client, Deployment, Interstitial};
use protocol::{OAuthError, OAuthErrorCode, RedirectUri};

use super::transaction::{answer_url, error_params, return_to_client, standing};
use crate::answer::{PageFailure, page_response};
use crate::server::AuthServer;

/// The client that gets the error, at a redirect URI that is its own.
pub(super) struct Refused<'a> {
    pub(super) client: &'a ClientId,
    pub(super) name: &'a str,
    pub(super) origin: ClientOrigin,
    pub(super) redirect_uri: &'a RedirectUri,
    pub(super) state: Option<&'a str>,
}

impl<'a> From<&'a AuthorizationRequest> for Refused<'a> {
    fn from(request: &'a AuthorizationRequest) -> Self {
        Self {
            client: &request.client,
            name: &request.client_name,
            origin: request.client_origin,
            redirect_uri: &request.redirect_uri,
            state: request.state.as_deref(),
        }
    }
}

/// Sends an error to the client, through a page if the client registered itself.
pub(super) fn refuse(
    server: &AuthServer,
    refused: &Refused<'_>,
    error: &OAuthError,
) -> Result<Response, PageFailure> {
    tracing::info!(client.id = %refused.client, error.code = error.code.as_str(),
        error.description = %error.description, "authorization refused");
    let client = Client { name: refused.name, standing: standing(refused.origin, refused.client) };
    let (uri, params) = (refused.redirect_uri, error_params(error));
    if refused.origin == ClientOrigin::Configured {
        return return_to_client(server, client, uri, refused.state, &params);
    }
    let (status, what_happened) = explain(error);
    let html = pages::interstitial(&Interstitial {
        deployment: Deployment { title: &server.config.title },
        client,
        redirect: uri,
        what_happened: &what_happened,
        return_url: &answer_url(server, uri, refused.state, &params),
    });
    Ok(page_response(status, html, FormTarget::OwnSite))
}

fn explain(error: &OAuthError) -> (StatusCode, String) {
    let description = &error.description;
    match error.code {
        OAuthErrorCode::AccessDenied => {
            (StatusCode::FORBIDDEN, format!("The app gets no access: {description}."))
        }
        _ => (StatusCode::OK, format!("The app's request cannot be used: {description}.")),
    }
}
