//! Tokens: the claims of an access token (RFC 9068) and the token endpoint's answer.

use serde::{Deserialize, Serialize};

use crate::scope::Scopes;
use crate::user_type::UserType;

/// The `typ` header of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The claims of an access token. There is exactly one audience, and no personal data (AT-6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// The subject id of the person.
    pub sub: String,
    /// The one resource that this token is for.
    pub aud: String,
    /// The client that holds it.
    pub client_id: String,
    /// Granted scopes.
    pub scope: Scopes,
    /// Seconds since the epoch at which it ends.
    pub exp: i64,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// A unique id.
    pub jti: String,
    /// Seconds since the epoch at which the person signed in.
    pub auth_time: i64,
    /// The grant behind it, by which it is revoked.
    pub grant_id: String,
    /// What kind of user the person is.
    pub user_type: UserType,
    /// The organization that the person acts for, if the person belongs to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Where to see whether the grant was revoked.
    pub status: StatusClaim,
}

/// The `status` claim (Token Status List, "Referenced Token").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusClaim {
    /// The only mechanism used here.
    pub status_list: StatusReference,
}

/// A bit in a status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// The bit's index in the list.
    pub idx: u32,
    /// The list's URL, which ends in the list's number.
    pub uri: String,
}

/// A successful token response (RFC 6749 §5.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token ends. Always sent.
    pub expires_in: i64,
    /// The scope of this access token. Always sent.
    pub scope: Scopes,
    /// The refresh token to use next time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}
