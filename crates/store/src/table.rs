//! Reading: one file for each table. Rows are checked as they are read, and one that cannot be is
//! an error that names table, column and row.

pub mod account;
pub mod audit;
pub mod authorization;
pub mod client;
pub mod code;
pub mod consent;
pub(crate) mod device;
pub mod disabled;
pub mod grant;
pub mod refresh_token;
pub mod revision;
pub mod revoked_token;
pub mod session;
pub mod signing_key;
pub mod subject;
pub mod upstream;
