//! The store on both databases. Each test runs on SQLite and on PostgreSQL; the races run across
//! two stores on one database, as two replicas would.
//!
//! Names of tests carry the ids of the requirements that they cover.
#![expect(clippy::unwrap_used, reason = "tests")]

mod account;
mod audit;
mod authorization;
mod client;
mod code;
mod consent;
mod disabled;
mod garbage;
mod grant;
mod guessing;
mod inconsistent;
mod lineage_model;
mod listen;
mod logout;
mod machine;
mod organization;
mod postgres_weather;
mod recheck;
mod refresh;
mod schema;
mod secrets_at_rest;
mod sign_in;
mod signing_key;
mod sqlite_weather;
mod support;
mod upstream;
