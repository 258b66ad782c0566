//! The catalogue of OAuth errors.
//!
//! A code knows its HTTP status and a default sentence; call sites add a hint for the client.
//! Statuses are declared here and nowhere else: a handler picks a code, never a status.

use std::borrow::Cow;

use serde_json::{Value, json};

/// A registered OAuth error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OAuthErrorCode {
    /// RFC 6749 §5.2: malformed, repeated or missing parameters.
    InvalidRequest,
    /// RFC 6749 §5.2: unknown client or failed client authentication.
    InvalidClient,
    /// RFC 6749 §5.2: the code or refresh token is not valid, or not for this client.
    InvalidGrant,
    /// RFC 6749 §5.2: this client may not use this grant.
    UnauthorizedClient,
    /// RFC 6749 §5.2: no such grant type here.
    UnsupportedGrantType,
    /// RFC 6749 §5.2: malformed or excessive scope.
    InvalidScope,
    /// RFC 8707 §2: unknown or malformed `resource`.
    InvalidTarget,
    /// RFC 6749 §4.1.2.1: the person (or policy) said no.
    AccessDenied,
    /// RFC 6749 §4.1.2.1: only `code` is supported.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1: something unexpected happened here.
    ServerError,
    /// RFC 6749 §4.1.2.1: overloaded, or storage is away; try again.
    TemporarilyUnavailable,
    /// OpenID Connect Core §3.1.2.6: `prompt=none`, but the person would have to sign in.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6: `prompt=none`, but the person would have to consent.
    ConsentRequired,
    /// RFC 9101 §7: `request` objects are not supported.
    RequestNotSupported,
    /// RFC 9101 §7: `request_uri` is not supported.
    RequestUriNotSupported,
    /// RFC 7591 §3.2.2: a redirect URI is not acceptable.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2: other client metadata is not acceptable.
    InvalidClientMetadata,
    /// RFC 6750 §3.1: the bearer token of the request is missing or not good.
    InvalidToken,
    /// RFC 7009 §2.2.1: this server cannot revoke that kind of token.
    UnsupportedTokenType,
    /// Too many requests from one place (RFC 6585 §4).
    SlowDown,
    /// The body is larger than this endpoint takes.
    PayloadTooLarge,
    /// The body did not arrive in time (RFC 9110 §15.5.9).
    RequestTimeout,
    /// The body is in a content coding that is not undone here (RFC 9110 §15.5.16).
    UnsupportedContentCoding,
}

/// An error to be sent to a client, as JSON or in a redirect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// The code.
    pub code: OAuthErrorCode,
    /// What is wrong and what to do, for the client's developer. Never holds request data.
    pub description: Cow<'static, str>,
}

/// How long a client should wait when storage is away, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 5;

impl OAuthErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest
            | Self::PayloadTooLarge
            | Self::RequestTimeout
            | Self::UnsupportedContentCoding => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidToken => "invalid_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::SlowDown => "slow_down",
        }
    }

    /// The HTTP status of a direct (not redirected) answer. RFC 6749 §5.2: 400 unless stated.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::RequestTimeout => 408,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedContentCoding => 415,
            Self::SlowDown => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }

    /// Seconds for a `Retry-After` header, where one belongs.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::TemporarilyUnavailable => Some(RETRY_AFTER_SECONDS),
            Self::SlowDown => Some(60),
            _ => None,
        }
    }

    /// This error with a sentence for the client's developer.
    pub fn because(self, description: impl Into<Cow<'static, str>>) -> OAuthError {
        let description = description.into();
        OAuthError { code: self, description: in_error_grammar(description) }
    }
}

impl OAuthError {
    /// The JSON body of RFC 6749 §5.2.
    pub fn to_json(&self) -> Value {
        json!({ "error": self.code.as_str(), "error_description": self.description })
    }
}

/// RFC 6749 §5.2: `error_description` holds `%x20-21 / %x23-5B / %x5D-7E` only (OA-4).
fn in_error_grammar(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
    if text.chars().all(allowed) {
        return text;
    }
    text.chars().map(|c| if allowed(c) { c } else { '\'' }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_stay_in_the_grammar() {
        let error = OAuthErrorCode::InvalidScope.because("no \"such\"\r\n scope\\");
        assert_eq!(error.description, "no 'such''' scope'");
    }
}
