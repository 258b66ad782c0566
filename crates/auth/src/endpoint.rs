//! One file for each endpoint.

pub(crate) mod account;
pub(crate) mod authorize;
pub(crate) mod bridge;
pub(crate) mod connect;
pub(crate) mod consent;
pub(crate) mod documents;
pub(crate) mod introspect;
pub(crate) mod organization;
mod refuse;
pub(crate) mod register;
mod remembered;
pub(crate) mod resume;
pub(crate) mod revoke;
pub(crate) mod sign_in;
pub(crate) mod status;
pub(crate) mod transaction;
pub(crate) mod visit;
