//! `POST /saml/{provider}/acs` and `GET /saml/{provider}/metadata`.
//!
//! The answer arrives as a form that another site made the browser post, so it comes without our
//! cookie (SameSite=Lax). It is verified and kept, once; the browser is then sent to a GET that
//! has the cookie and must fit (T-CB-20, SA-8).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use kernel::{Hashed, Plain};
use model::UpstreamSignIn;
use model::upstream::UpstreamState;
use protocol::params::Params;
use sso::ProviderError;
use sso::saml::{Assertion, ServiceProvider};
use store::unit::{AnswerUpstream, AnswerUpstreamOutcome, OneTime};

use super::failure::{at_provider, find, last_segment_but, no_such_provider, rejected};
use super::waiting::{Answer, Pending, Waiting};
use crate::answer::{PageFailure, see_other};
use crate::providers::{Provider, ProviderKind};
use crate::request;
use crate::server::AuthServer;

/// Bytes of a form with an answer: 256 KiB of XML in base64 (SA-2) and percent signs.
const MAX_FORM: usize = 512 * 1024;

/// Takes a SAML response.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let id = last_segment_but(request.uri(), "acs").to_owned();
    let (provider, party) = saml(&server, &id)?;
    if !server.throttle.arrival(request::peer_of(&request)) {
        return Err(PageFailure::TooFast);
    }
    let (_, params) = request::form_up_to(request, MAX_FORM).await?;
    let (state, away) = waiting_for(&server, provider, party, &params).await?;
    let waiting = Waiting::open(&server, &away.pending_sealed, &away.state)?;
    let state = state.or_else(|| waiting.relay_state()).ok_or_else(PageFailure::expired)?;
    let Pending::Saml(pending) = &waiting.pending else {
        return Err(PageFailure::expired());
    };
    let assertion = match params.one("SAMLResponse")? {
        Some(response) => party.finish(pending, response).await,
        None => Err(ProviderError::Rejected("there is no SAMLResponse".to_owned())),
    };
    let assertion = match assertion {
        Ok(assertion) => assertion,
        Err(error) => {
            let once = OneTime {
                purpose: "answer rejected".to_owned(),
                id: away.state.as_str().to_owned(),
                expires_at: away.expires_at,
            };
            rejected(&server, provider, &error, Some(once)).await?;
            return Err(at_provider(provider, error));
        }
    };
    keep(&server, provider, &away, assertion).await?;
    let base = server.config.base_path();
    see_other(&format!("{base}/sign-in/{}/callback?state={}", provider.id, state.reveal()))
}

/// Our metadata for the provider's administrator.
pub(crate) async fn metadata(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (_, party) = saml(&server, last_segment_but(request.uri(), "metadata"))?;
    let mut response = Response::new(Body::from(party.metadata()));
    let xml = HeaderValue::from_static("application/samlmetadata+xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    net::headers::public_document(response.headers_mut());
    Ok(response)
}

fn saml<'a>(
    server: &'a AuthServer,
    id: &str,
) -> Result<(&'a Provider, &'a Arc<dyn ServiceProvider>), PageFailure> {
    let provider = find(server, id)?;
    match &provider.kind {
        ProviderKind::Saml(party) => Ok((provider, party)),
        _ => Err(no_such_provider()),
    }
}

/// The sign-in that an answer belongs to, with the `RelayState` that names it. That is a handle of
/// ours and never a place to go to (SA-12). Some providers lose it; the request that the answer
/// says it answers leads to the same sign-in. An answer that nobody asked for names none (SA-11,
/// T-SAML-21). Who may go on with it is decided later, by signature and by cookie.
async fn waiting_for(
    server: &AuthServer,
    provider: &Provider,
    party: &Arc<dyn ServiceProvider>,
    params: &Params,
) -> Result<(Option<Plain<UpstreamState>>, UpstreamSignIn), PageFailure> {
    let relay_state = params.one("RelayState")?;
    let state = relay_state.and_then(Plain::<UpstreamState>::parse);
    let named = match (&state, relay_state) {
        (Some(state), _) => Some(state.hash()),
        (None, Some(_)) => None,
        (None, None) => request_answered(provider, party, params)?,
    };
    let named = named.ok_or_else(PageFailure::expired)?;
    let mut reader = server.store.read().await?;
    let away = store::upstream::find(reader.conn(), &named).await?;
    let fits =
        |away: &UpstreamSignIn| away.provider == provider.id && !away.is_expired(server.now());
    let away = away.filter(fits).ok_or_else(PageFailure::expired)?;
    Ok((state, away))
}

fn request_answered(
    provider: &Provider,
    party: &Arc<dyn ServiceProvider>,
    params: &Params,
) -> Result<Option<Hashed<UpstreamState>>, PageFailure> {
    let Some(response) = params.one("SAMLResponse")? else { return Ok(None) };
    let named = party.relay_state_hash(response).map(Hashed::from_stored);
    // Nothing of this is anybody's word yet, so it is no warning.
    let found = if named.is_some() {
        "its InResponseTo leads to the sign-in"
    } else {
        "its InResponseTo names no request of ours: the provider lost both, or nobody asked \
         (sign-in must begin here, not at the provider)"
    };
    tracing::info!(provider = provider.id, found, "saml.relay_state_lost");
    Ok(named)
}

/// The answer and the mark that its assertion was used are one transaction (SA-10, T-SAML-24).
async fn keep(
    server: &AuthServer,
    provider: &Provider,
    away: &UpstreamSignIn,
    assertion: Assertion,
) -> Result<(), PageFailure> {
    let unit = AnswerUpstream {
        state: away.state.clone(),
        provider: provider.id.clone(),
        answer_sealed: Answer::seal(assertion.signed_in, server, &away.state)?,
        one_time_id: assertion.one_time_id,
        one_time_expires_at: assertion.expires_at,
        now: server.now(),
    };
    match server.store.write(unit).await? {
        AnswerUpstreamOutcome::Answered => Ok(()),
        AnswerUpstreamOutcome::Gone => Err(PageFailure::expired()),
        AnswerUpstreamOutcome::Replayed => {
            let reason = "the assertion was used before".to_owned();
            Err(at_provider(provider, ProviderError::Rejected(reason)))
        }
    }
}
