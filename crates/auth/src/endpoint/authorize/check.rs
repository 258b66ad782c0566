//! The checks that may answer by redirect, since client and redirect URI are known.

use std::sync::Arc;

use kernel::Timestamp;
use model::AuthorizationRequest;
use model::authorization::Asking;
use protocol::params::Params;
use protocol::pkce::CodeChallenge;
use protocol::{OAuthError, OAuthErrorCode, Scopes};

use super::Asker;
use crate::config::Resource;
use crate::request::invalid;
use crate::server::AuthServer;

/// `state` is returned in a URL; longer values are somebody's mistake (AZ-4).
pub(super) const MAX_STATE: usize = 4096;

/// What the client wants to happen to the person (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Whatever is needed, with a session of at most this age in seconds.
    AsNeeded {
        /// `max_age`.
        max_age: Option<i64>,
    },
    /// Sign in again.
    Login,
    /// No page at all.
    None,
}

impl Prompt {
    /// Whether a sign-in of that moment is good enough.
    pub(super) fn accepts(self, authenticated_at: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Login => false,
            Self::None | Self::AsNeeded { max_age: None } => true,
            Self::AsNeeded { max_age: Some(seconds) } => {
                authenticated_at.plus_seconds(seconds) > now
            }
        }
    }
}

impl Prompt {
    /// From which moment on a sign-in is good enough in all that follows. It is later than every
    /// session that [`Prompt::accepts`] refuses now, and no later than now.
    fn authenticated_after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Login => now,
            Self::None | Self::AsNeeded { max_age: None } => Timestamp::from_millis(0),
            Self::AsNeeded { max_age: Some(seconds) } => {
                let oldest = now.plus_seconds(-seconds).as_millis().saturating_add(1);
                Timestamp::from_millis(oldest).min(now)
            }
        }
    }
}

/// Checks everything else about the request, in the order of the specifications.
pub(super) fn check_request(
    server: &AuthServer,
    asker: &Asker,
    params: &Params,
) -> Result<(AuthorizationRequest, Prompt), OAuthError> {
    check_state(params)?;
    refuse_request_objects(params)?;
    check_response_type(params)?;
    check_response_mode(params)?;
    let challenge = code_challenge(params)?;
    let resource = requested_resource(server, params)?;
    let scopes = requested_scopes(server, asker, &resource, params)?;
    let prompt = prompt(params)?;
    let request = AuthorizationRequest {
        client: asker.client.id.clone(),
        client_name: asker.client.name.clone(),
        client_origin: asker.client.origin,
        client_metadata: asker.client.metadata_hash(),
        redirect_uri: asker.redirect_uri.clone(),
        state: asker.state.clone(),
        scopes,
        resource: resource.uri.clone(),
        challenge,
        authenticated_after: prompt.authenticated_after(server.now()),
        asking: asking(params)?,
    };
    Ok((request, prompt))
}

fn check_state(params: &Params) -> Result<(), OAuthError> {
    match params.one("state").map_err(invalid)? {
        Some(state) if state.len() > MAX_STATE => {
            Err(OAuthErrorCode::InvalidRequest.because("state is longer than 4096 bytes"))
        }
        _ => Ok(()),
    }
}

/// AZ-5: nothing is ever fetched from a `request_uri`.
fn refuse_request_objects(params: &Params) -> Result<(), OAuthError> {
    if params.has("request") {
        return Err(OAuthErrorCode::RequestNotSupported.because("send plain parameters"));
    }
    if params.has("request_uri") {
        return Err(OAuthErrorCode::RequestUriNotSupported.because("send plain parameters"));
    }
    Ok(())
}

fn check_response_type(params: &Params) -> Result<(), OAuthError> {
    match params.one("response_type").map_err(invalid)? {
        Some("code") => Ok(()),
        Some(_) => Err(OAuthErrorCode::UnsupportedResponseType.because("only code is supported")),
        None => Err(OAuthErrorCode::InvalidRequest.because("response_type is missing")),
    }
}

fn check_response_mode(params: &Params) -> Result<(), OAuthError> {
    match params.one("response_mode").map_err(invalid)? {
        None | Some("query") => Ok(()),
        Some(_) => Err(OAuthErrorCode::InvalidRequest.because("response_mode must be query")),
    }
}

fn code_challenge(params: &Params) -> Result<CodeChallenge, OAuthError> {
    let challenge = params.one("code_challenge").map_err(invalid)?;
    let method = params.one("code_challenge_method").map_err(invalid)?;
    CodeChallenge::parse(challenge, method)
        .map_err(|error| OAuthErrorCode::InvalidRequest.because(error.to_string()))
}

/// RFC 8707 §2. Without any, it is the default one.
fn requested_resource(server: &AuthServer, params: &Params) -> Result<Arc<Resource>, OAuthError> {
    server
        .resources
        .named(params)?
        .or_else(|| server.resources.default())
        .ok_or_else(|| OAuthErrorCode::InvalidTarget.because("no resource is configured here"))
}

/// Requested ∩ ceiling ∩ what the client may have. Unknown names are left out, not refused.
fn requested_scopes(
    server: &AuthServer,
    asker: &Asker,
    resource: &Resource,
    params: &Params,
) -> Result<Scopes, OAuthError> {
    let text = params.one("scope").map_err(invalid)?.unwrap_or_default();
    let requested = Scopes::parse_requested(text)
        .map_err(|error| OAuthErrorCode::InvalidScope.because(error.to_string()))?;
    let named = match (requested.known.is_empty(), requested.unknown) {
        // Nothing was asked for, or only a refresh token: the default.
        (true, false) if server.config.default_scopes.is_empty() => resource.ceiling,
        (true, false) => server.config.default_scopes,
        (true, true) => Scopes::NONE,
        (false, _) => requested.known,
    };
    let possible = named.and(resource.ceiling).and(asker.client.scopes);
    if possible.is_empty() {
        let offered = resource.ceiling.and(asker.client.scopes);
        return Err(OAuthErrorCode::InvalidScope
            .because(format!("none of the requested scopes can be granted; possible: {offered}")));
    }
    Ok(possible)
}

/// `prompt=consent`: a remembered consent does not count.
fn asking(params: &Params) -> Result<Asking, OAuthError> {
    let mut words = params.one("prompt").map_err(invalid)?.unwrap_or_default().split(' ');
    let always = words.any(|word| word == "consent");
    Ok(if always { Asking::Always } else { Asking::AsNeeded })
}

/// What concerns signing in. Unknown values change nothing (CL-11).
fn prompt(params: &Params) -> Result<Prompt, OAuthError> {
    let refuse = |why: &'static str| OAuthErrorCode::InvalidRequest.because(why);
    let max_age = match params.one("max_age").map_err(invalid)? {
        None => None,
        Some(text) => {
            let seconds = text.parse::<u32>().map_err(|_| refuse("max_age must be in seconds"))?;
            Some(i64::from(seconds))
        }
    };
    let words: Vec<&str> =
        params.one("prompt").map_err(invalid)?.unwrap_or_default().split(' ').collect();
    if words.contains(&"none") {
        return if words.len() == 1 {
            Ok(Prompt::None)
        } else {
            Err(refuse("prompt=none cannot be combined with others"))
        };
    }
    let again = words.contains(&"login") || words.contains(&"select_account");
    Ok(if again { Prompt::Login } else { Prompt::AsNeeded { max_age } })
}
