//! Which tools a server offers, for people who are asked to consent.

use serde::{Deserialize, Serialize};

use crate::user_type::UserType;

/// The `typ` header of a request for a catalogue. It keeps every other JWT out, and this one out
/// of everywhere else.
pub const CATALOGUE_REQUEST_TYPE: &str = "wicketgate-catalogue+jwt";

/// Seconds for which such a request is good.
pub const CATALOGUE_REQUEST_LIFETIME_SECONDS: i64 = 60;

/// How an authorization server that runs apart asks a sidecar for its tools: a JWT under its
/// signing key, sent as a bearer token to `{server path}/catalogue`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueRequest {
    /// The issuer.
    pub iss: String,
    /// The resource whose tools are asked for.
    pub aud: String,
    /// Seconds since the epoch at which it was made.
    pub iat: i64,
    /// Seconds since the epoch at which it ends.
    pub exp: i64,
    /// Who is asked to consent.
    #[serde(flatten)]
    pub person: Consenting,
}

/// Who is asked to consent, and to what. Most servers have the same tools for everybody of one kind;
/// one that is a program of each person's own is started for this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consenting {
    /// For what kind of user.
    pub user_type: UserType,
    /// The person, as access tokens will name them (RFC 9068 §2.2).
    pub sub: String,
    /// The client that asks.
    pub client_id: String,
    /// The organization that the person acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// One tool, as it is shown beside the scope that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueTool {
    /// The name on the wire.
    pub name: String,
    /// A title for people; the name if the server gives none.
    pub title: String,
    /// The scope that the tool needs.
    pub scope: String,
}
