//! The whole product, from outside: a deployment with a database of its own for each test, people
//! with browsers, and clients. What the authorization server does by itself is tested in `auth`,
//! what the sidecar does in `mcp`.
//!
//! Modules follow the URLs; tests are named for the rows of the requirements that they cover. A
//! request that is refused is always checked for two things: the right error, and a database in
//! which nothing has changed. Time is a `ManualClock`; nothing sleeps to let it pass.

mod account;
mod audit;
mod authorize;
mod config;
mod config_sign_in;
mod config_upstream;
mod consent;
mod doctor;
mod faults;
mod gone;
mod hosts;
mod keys;
mod kill;
mod kill_switch;
mod local;
mod logs;
mod machines;
mod mcp_sse;
mod mcp_story;
mod metadata;
mod observability;
mod output;
mod private_memory;
mod providers;
mod recheck;
mod reload;
mod restart;
mod revoke;
#[cfg(feature = "saml")]
mod saml;
mod settings;
mod world;
