//! Headers of ours that tell an upstream who calls. Whatever a client sends under such a name is
//! dropped.

/// The person's stable id.
pub const SUBJECT: &str = "x-wicketgate-subject";
/// What kind of user the person is.
pub const USER_TYPE: &str = "x-wicketgate-user-type";
/// The client's id.
pub const CLIENT: &str = "x-wicketgate-client";
/// The organization that the person acts for, percent-encoded UTF-8; absent if there is none.
pub const ORGANIZATION: &str = "x-wicketgate-organization";
/// What the token holds at this server, separated by spaces.
pub const SCOPES: &str = "x-wicketgate-scopes";
/// The connection's id.
pub const GRANT: &str = "x-wicketgate-grant";
