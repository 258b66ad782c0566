//! The token endpoint: redeeming the code (OpenID Connect Core §3.1.3, RFC 6749 §4.1.3 and §5), and
//! asking again later (OpenID Connect Core §12, RFC 6749 §6).

use kernel::Redacted;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use super::discovery::Document;
use super::http::{self, Answer, unavailable};
use super::{MAX_CODE, Pending, Provider, client_auth, rejected};
use crate::provider::ProviderError;

/// What the provider gave.
pub(super) struct Tokens {
    pub(super) id: Option<Redacted>,
    access: Option<Redacted>,
    pub(super) refresh: Option<Redacted>,
}

/// Bytes of a refresh token; longer ones are not kept.
const MAX_REFRESH_TOKEN: usize = 16 * 1024;

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct Success {
    id_token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    error_description: Option<String>,
}

impl Provider {
    /// The verifier goes into the body only (T-UP-15).
    pub(super) async fn redeem(
        &self,
        document: &Document,
        pending: &Pending,
        code: &str,
    ) -> Result<Tokens, ProviderError> {
        if code.is_empty() || code.len() > MAX_CODE {
            return Err(rejected("the answer's code is empty or too long"));
        }
        let form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.config.redirect_uri),
            ("code_verifier", &pending.verifier),
        ];
        self.ask_for_tokens(document, form, &pending.verifier).await
    }

    /// Without `scope` it is what was granted (RFC 6749 §6).
    pub(super) async fn refresh(
        &self,
        document: &Document,
        refresh_token: &str,
    ) -> Result<Tokens, ProviderError> {
        let form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.ask_for_tokens(document, form, refresh_token).await
    }

    async fn ask_for_tokens(
        &self,
        document: &Document,
        mut form: Vec<(&'static str, &str)>,
        unguessable: &str,
    ) -> Result<Tokens, ProviderError> {
        let (endpoint, now) = (&document.token_endpoint, self.clock.now());
        let proof = client_auth::prove(&self.config, endpoint.as_str(), unguessable, now)?;
        form.extend(proof.fields.iter().map(|(name, value)| (*name, value.reveal())));
        let mut request = self.http.post(endpoint.clone()).form(&form);
        if let Some(authorization) = &proof.authorization {
            let wrong = |_| ProviderError::Misconfigured("client_secret is not usable".to_owned());
            let mut value = HeaderValue::from_str(authorization.reveal()).map_err(wrong)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        read(&http::send(request).await?)
    }
}

impl Tokens {
    /// OpenID Connect Core §3.1.3.3: without one it was no sign-in.
    pub(super) fn id_token(&self) -> Result<&str, ProviderError> {
        self.id.as_ref().map(Redacted::reveal).ok_or_else(|| {
            let lacks =
                "the token endpoint gave no ID token; is this an OpenID Connect application?";
            ProviderError::Incomplete(lacks.to_owned())
        })
    }

    pub(super) fn access_token(&self) -> Option<&str> {
        self.access.as_ref().map(Redacted::reveal)
    }
}

fn read(answer: &Answer) -> Result<Tokens, ProviderError> {
    if answer.status != StatusCode::OK {
        return Err(refusal(answer));
    }
    let success: Success = answer.json()?;
    let usable = |token: &String| (1..=MAX_REFRESH_TOKEN).contains(&token.len());
    Ok(Tokens {
        id: success.id_token.map(Redacted::new),
        access: success.access_token.map(Redacted::new),
        refresh: success.refresh_token.filter(usable).map(Redacted::new),
    })
}

/// Weather, with the code of the error if there is one. A client that was registered without an
/// algorithm for its ID tokens gets nothing but 500 (`LemonLDAP::NG`).
fn trouble_there(answer: &Answer) -> ProviderError {
    let failure = answer.json::<Failure>();
    let code = match failure.map(|failure| ProviderError::refused(&failure.error, "")) {
        Ok(ProviderError::Refused { code, .. }) => format!(" ({code})"),
        _ => String::new(),
    };
    let hint = if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        "; if that goes on, see that our registration there has an ID token signature algorithm, \
         such as RS256"
    } else {
        ""
    };
    unavailable(format!("{}{code}{hint}", answer.unexpected()))
}

/// RFC 6749 §5.2: whose fault it is decides what helps. A code that is not accepted is no weather,
/// but our own credentials are the operator's to mend.
fn refusal(answer: &Answer) -> ProviderError {
    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return trouble_there(answer);
    }
    let Ok(failure) = answer.json::<Failure>() else {
        return match answer.status {
            StatusCode::UNAUTHORIZED => ProviderError::Misconfigured(
                "the token endpoint refused our client id or secret (401)".into(),
            ),
            _ => answer.is_unexpected(),
        };
    };
    let refused = ProviderError::refused(
        &failure.error,
        failure.error_description.as_deref().unwrap_or_default(),
    );
    match failure.error.as_str() {
        "invalid_client"
        | "unauthorized_client"
        | "invalid_request"
        | "invalid_scope"
        | "unsupported_grant_type" => {
            ProviderError::Misconfigured(format!("at the token endpoint, {refused}"))
        }
        "temporarily_unavailable" | "server_error" | "slow_down" => {
            unavailable(format!("at the token endpoint, {refused}"))
        }
        _ => refused,
    }
}
