//! The authorization server as browsers and clients see it: without a configuration file, without a
//! sidecar, with a database of its own for each test.
//!
//! Modules follow the URLs; tests are named for the rows of the requirements that they cover. A
//! request that is refused is always checked for two things: the right error, and a database in
//! which nothing has changed. Time is a `ManualClock`; nothing sleeps to let it pass. What a
//! deployment of both roles does is in the binary's own tests.

mod assertions;
mod authorize;
mod authorize_begins;
mod client_auth;
mod company;
mod consent;
mod decisions;
mod description;
mod document_fetch;
mod documents;
mod documents_change;
mod gone;
mod introspect;
mod keys;
mod limits;
mod local;
mod machines;
mod metadata;
mod organizations;
mod portal;
mod property;
mod providers;
mod races;
mod recheck;
mod redirect;
mod refresh_contract;
mod register;
mod register_who;
mod remembered_consent;
mod replicas;
mod resume;
mod revoke;
mod sign_in;
mod token_code;
mod token_refresh;
mod world;
