//! `GET /sign-in/{provider}/callback`: the person comes back from a provider, in the browser that
//! left (OIDC Core §3.1.2.5, UP-1).
//!
//! The row that waited is taken by the database, once. So a second callback finds nothing and no
//! second exchange happens (T-CB-04); if the provider is away the row is put back, and a reload
//! tries again.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use kernel::Plain;
use model::UpstreamSignIn;
use model::upstream::UpstreamState;
use protocol::OAuthErrorCode;
use protocol::params::Params;
use sso::oidc::CallbackAnswer;
use sso::{ProviderError, SignedIn};
use store::unit::{
    DeniedBy, Deny, DenyOutcome, PutBackUpstream, TakeUpstream, TakeUpstreamOutcome,
};

use super::complete::{Proof, complete};
use super::failure::{at_provider, find, last_segment_but, rejected};
use super::waiting::{Answer, Pending, Waiting};
use crate::answer::PageFailure;
use crate::browser::{Browser, cookies::CookieNames};
use crate::endpoint::refuse::{Refused, refuse};
use crate::endpoint::visit::Visit;
use crate::providers::{Provider, ProviderKind};
use crate::request;
use crate::server::AuthServer;

/// Takes the provider's answer.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let provider = find(&server, last_segment_but(&parts.uri, "callback"))?;
    let params = request::query(&parts)?;
    let browser = Browser::of(&parts, &CookieNames::of(&server.config));
    let away = take(&server, provider, &browser, &params).await?;
    let waiting = Waiting::open(&server, &away.pending_sealed, &away.state)?;
    let visit = Visit::reopen(&server, browser, waiting.handle()).await?;
    match answer(&server, provider, &away, &waiting, &params).await {
        Ok(signed_in) => complete(&server, &visit, Proof::of(signed_in)).await,
        Err(error) => fail(&server, provider, &visit, away, error).await,
    }
}

/// The row that waits for this browser. It is gone afterwards.
async fn take(
    server: &AuthServer,
    provider: &Provider,
    browser: &Browser,
    params: &Params,
) -> Result<UpstreamSignIn, PageFailure> {
    let state = params.one("state")?.and_then(Plain::<UpstreamState>::parse);
    let state = state.ok_or_else(PageFailure::expired)?;
    let unit = TakeUpstream {
        state: state.hash(),
        provider: provider.id.clone(),
        browser: browser.binding.as_ref().map(Plain::hash),
        now: server.now(),
    };
    match server.store.write(unit).await? {
        TakeUpstreamOutcome::Taken(away) => Ok(*away),
        TakeUpstreamOutcome::OtherBrowser => Err(PageFailure::other_browser()),
        TakeUpstreamOutcome::Gone => Err(PageFailure::expired()),
    }
}

async fn answer(
    server: &AuthServer,
    provider: &Provider,
    away: &UpstreamSignIn,
    waiting: &Waiting,
    params: &Params,
) -> Result<SignedIn, Failed> {
    match (&provider.kind, &waiting.pending) {
        (ProviderKind::Oidc { party, .. }, Pending::Oidc(pending)) => {
            let text = |name| params.one(name).map_err(|_| repeated(name));
            let iss = text("iss")?;
            if let Some(code) = text("error")? {
                let detail = text("error_description")?.unwrap_or_default();
                Err(party.refusal(iss, code, detail).await?)?;
            }
            let code = text("code")?.ok_or_else(|| missing("code"))?;
            Ok(party.finish(pending, &CallbackAnswer { code, iss }).await?)
        }
        (ProviderKind::Saml(_), Pending::Saml(_)) => {
            let sealed = away.answer_sealed.as_deref().ok_or_else(|| {
                ProviderError::Rejected("the browser came back without an answer".to_owned())
            })?;
            Answer::open(server, sealed, &away.state).map_err(Failed::Here)
        }
        _ => Err(ProviderError::Rejected("the provider speaks another protocol now".to_owned()))?,
    }
}

/// Whose fault it is.
enum Failed {
    There(ProviderError),
    Here(PageFailure),
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self::There(error)
    }
}

fn missing(name: &str) -> ProviderError {
    ProviderError::Rejected(format!("the answer has no {name}"))
}

fn repeated(name: &str) -> ProviderError {
    ProviderError::Rejected(format!("the answer has several {name} parameters"))
}

async fn fail(
    server: &AuthServer,
    provider: &Provider,
    visit: &Visit,
    away: UpstreamSignIn,
    failed: Failed,
) -> Result<Response, PageFailure> {
    let error = match failed {
        Failed::There(error) => error,
        Failed::Here(failure) => return Err(failure),
    };
    match &error {
        ProviderError::Unavailable(_) => {
            server.store.write(PutBackUpstream { sign_in: away }).await?;
        }
        // T-CB-09: the person said no there, which is a no here as well.
        ProviderError::Refused { code, .. } if code == "access_denied" => {
            return deny(server, provider, visit, error).await;
        }
        _ => rejected(server, provider, &error, None).await?,
    }
    Err(at_provider(provider, error))
}

/// The client hears that it was refused, in our words (T-CB-10).
async fn deny(
    server: &AuthServer,
    provider: &Provider,
    visit: &Visit,
    cause: ProviderError,
) -> Result<Response, PageFailure> {
    let Some(authorization) = visit.authorization() else {
        return Err(at_provider(provider, cause));
    };
    let unit = Deny {
        handle: authorization.handle.clone(),
        browser: authorization.browser.clone(),
        by: DeniedBy::Provider,
        now: server.now(),
    };
    match server.store.write(unit).await? {
        DenyOutcome::Denied => {}
        DenyOutcome::Completed | DenyOutcome::Gone => return Err(PageFailure::expired()),
    }
    tracing::info!(provider = provider.id, error = %cause, "the person was refused at the provider");
    let error = OAuthErrorCode::AccessDenied.because("the person was not signed in");
    refuse(server, &Refused::from(&authorization.request), &error)
}
