//! Token introspection (RFC 7662): what a resource server is told.

use serde::Serialize;

use crate::scope::Scopes;
use crate::user_type::UserType;

/// The answer (RFC 7662 §2.2).
#[derive(Debug, Serialize)]
pub struct IntrospectionResponse {
    active: bool,
    /// Nothing at all for a token that is not active (IN-2).
    #[serde(flatten)]
    token: Option<ActiveToken>,
}

/// What there is to know of an active token. As in the token, there is no personal data (AT-6).
#[derive(Debug, Serialize)]
pub struct ActiveToken {
    /// What it may do now.
    pub scope: Scopes,
    /// The client that holds it.
    pub client_id: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds since the epoch at which it ends.
    pub exp: i64,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// The person, or the client itself.
    pub sub: String,
    /// The resource that it is for.
    pub aud: String,
    /// The issuer.
    pub iss: String,
    /// Its id.
    pub jti: String,
    /// What kind of user it is for.
    pub user_type: UserType,
    /// The organization that the person acts for, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

impl IntrospectionResponse {
    /// The answer about this token, or about one of which nothing is told.
    pub fn of(token: Option<ActiveToken>) -> Self {
        Self { active: token.is_some(), token }
    }
}
