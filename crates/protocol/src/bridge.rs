//! The bridge token: how a sign-in comes back to `/authorize/resume`.
//!
//! A JWT, signed with HS256 under the bridge secret, single use, valid for 60 seconds. Host
//! applications that already know their user sign a token of the same type with their own key.

use serde::{Deserialize, Serialize};

/// The `typ` header of a bridge token. It keeps every other JWT out.
pub const BRIDGE_TOKEN_TYPE: &str = "wicketgate-bridge+jwt";

/// Seconds for which a bridge token is good.
pub const BRIDGE_TOKEN_LIFETIME_SECONDS: i64 = 60;

/// The claims of a bridge token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeClaims {
    /// Who signed the person in: the issuer itself, or a portal's provider id.
    pub iss: String,
    /// The issuer at whose `/authorize/resume` the token is to be used.
    pub aud: String,
    /// The subject id of the person.
    pub sub: String,
    /// The authorization transaction, as the hash by which it is stored.
    pub txn: String,
    /// The hash of the browser binding, so that only that browser can use the token.
    pub browser: String,
    /// A unique id; it is accepted once.
    pub jti: String,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// Seconds since the epoch at which it ends.
    pub exp: i64,
}

/// The claims of a bridge token that a portal signs with its own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalClaims {
    /// The portal's provider id.
    pub iss: String,
    /// The issuer at whose `/authorize/resume` the token is to be used.
    pub aud: String,
    /// The portal's stable id of the person.
    pub sub: String,
    /// The `txn` that the portal was given.
    pub txn: String,
    /// A unique id; it is accepted once.
    pub jti: String,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// Seconds since the epoch at which it ends; at most 60 later.
    pub exp: i64,
    /// A name to show.
    #[serde(default)]
    pub name: Option<String>,
    /// An e-mail address to show.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the portal knows that the address is the person's.
    #[serde(default)]
    pub email_verified: Option<bool>,
    /// Group names.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Organizations.
    #[serde(default)]
    pub organizations: Vec<String>,
}
