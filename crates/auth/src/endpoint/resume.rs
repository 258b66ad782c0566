//! `GET /authorize/resume`: back from sign-in.
//!
//! With a bridge token, the token is used up and the browser sent to the clean URL, so that a
//! reload works. Without one, the page for the transaction's stage is shown.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use http::StatusCode;
use kernel::{Id, Plain, Timestamp};
use model::{Stage, Subject};
use protocol::bridge::BridgeClaims;
use protocol::params::Params;
use store::unit::{ResumeAuthorization, ResumeOutcome};

use super::sign_in::{complete, portal};
use super::transaction::{Decider, Opened, already_done, open, step};
use super::{consent, remembered};
use crate::answer::{PageFailure, see_other};
use crate::browser::bridge::verify;
use crate::request;
use crate::server::AuthServer;

/// Uses the bridge token, or shows where the transaction stands.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let params = request::query(&parts)?;
    let opened = open_with_token(&server, &parts, &params).await?;
    if let Some(unverified_token) = params.one("token")? {
        return come_back(&server, opened, unverified_token).await;
    }
    match &opened.authorization.stage {
        Stage::Pending => see_other(&step(&server, "/auth-bridge", &opened.handle)),
        Stage::Resumed { .. } => match opened.current_decider(&server).await? {
            Some(decider) => consent::show(&server, &opened, &decider).await,
            None => see_other(&step(&server, "/auth-bridge", &opened.handle)),
        },
        Stage::Approved | Stage::Denied => Ok(already_done(&server, &opened)),
    }
}

/// The transaction. If it began in another browser, a portal's token for it has been stolen.
pub(super) async fn open_with_token(
    server: &AuthServer,
    parts: &Parts,
    params: &Params,
) -> Result<Opened, PageFailure> {
    let opened = open(server, parts, params).await;
    let handle = params.one("txn")?.and_then(Plain::parse);
    if let (Err(_), Some(handle), Some(token)) = (&opened, handle, params.one("token")?) {
        portal::end_stolen(server, &handle, token).await?;
    }
    opened
}

/// A bridge token arrives: a portal's, or one of our own.
pub(super) async fn come_back(
    server: &AuthServer,
    opened: Opened,
    unverified_token: &str,
) -> Result<Response, PageFailure> {
    if matches!(opened.authorization.stage, Stage::Approved | Stage::Denied) {
        return Ok(already_done(server, &opened));
    }
    let config = &server.config;
    let own = verify(
        unverified_token,
        &config.bridge_secret,
        &config.issuer,
        &opened.authorization,
        server.now(),
    );
    match own {
        Ok(claims) => resume(server, &opened, claims).await,
        Err(_) => match portal::vouches(server, &opened, unverified_token).await? {
            Some(proof) => complete(server, &opened.into(), proof).await,
            None => Err(bad_token()),
        },
    }
}

async fn resume(
    server: &AuthServer,
    opened: &Opened,
    claims: BridgeClaims,
) -> Result<Response, PageFailure> {
    // The token came back to the browser that got it; the session in that browser must still be
    // that person's.
    let signed_in = opened.session(server).await?;
    let (session, subject): (_, Subject) = signed_in.ok_or_else(bad_token)?;
    if subject.id != Id::from_stored(claims.sub) {
        return Err(bad_token());
    }
    if !opened.authorization.accepts(&session) {
        return see_other(&step(server, "/sign-in", &opened.handle));
    }
    let unit = ResumeAuthorization {
        handle: opened.authorization.handle.clone(),
        browser: opened.authorization.browser.clone(),
        subject: subject.id.clone(),
        session: session.hash.clone(),
        authenticated_at: session.authenticated_at,
        bridge_jti: claims.jti,
        bridge_expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        now: server.now(),
    };
    let clean_url = step(server, "/authorize/resume", &opened.handle);
    match server.store.write(unit).await? {
        ResumeOutcome::Resumed => {
            let authenticated_at = session.authenticated_at;
            let decider = Decider { session, subject, authenticated_at };
            let answer = remembered::answer(server, opened, decider).await?;
            answer.map_or_else(|| see_other(&clean_url), Ok)
        }
        // Used before, perhaps by a double click: the clean URL shows where things stand.
        ResumeOutcome::Replayed | ResumeOutcome::Completed => see_other(&clean_url),
        ResumeOutcome::Gone => Err(PageFailure::expired()),
    }
}

fn bad_token() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "We couldn't bring you back from sign-in",
        what_happened: "The portal's token isn't for this browser and this sign-in, or it is \
                        more than a minute old."
            .into(),
        what_to_do: "Go back to the app that sent you here and connect again.",
    }
}
