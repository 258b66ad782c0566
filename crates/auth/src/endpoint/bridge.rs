//! `GET /auth-bridge`: the signed-in person comes back to the authorization (architecture, step 4).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::resume::{come_back, open_with_token};
use super::transaction::step;
use crate::answer::{PageFailure, see_other};
use crate::browser::bridge::mint;
use crate::request;
use crate::server::AuthServer;

/// Mints a bridge token for the person of this browser's session and moves on to resume.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let params = request::query(&parts)?;
    let opened = open_with_token(&server, &parts, &params).await?;
    // The bridge carries in both directions: a portal may send its token here as well.
    if let Some(unverified_token) = params.one("token")? {
        return come_back(&server, opened, unverified_token).await;
    }
    let signed_in = opened.session(&server).await?;
    // What the client asked about the sign-in holds on every way here (prompt=login, max_age).
    let fresh = signed_in.filter(|(session, _)| opened.authorization.accepts(session));
    let Some((_, subject)) = fresh else {
        return see_other(&step(&server, "/sign-in", &opened.handle));
    };
    let token = mint(
        &server.config.bridge_secret,
        &server.config.issuer,
        &opened.authorization,
        &subject.id,
        server.now(),
        &*server.random,
    )
    .map_err(|error| PageFailure::Unexpected(error.into()))?;
    let resume = step(&server, "/authorize/resume", &opened.handle);
    see_other(&format!("{resume}&token={token}"))
}
