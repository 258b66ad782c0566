//! The relying party against a provider of our own making.
//!
//! Each refusal starts from an answer that is good, shown by the same test, and breaks one thing.

mod begin;
mod configuration;
mod descriptions;
mod doctor;
mod faults;
mod groups;
mod id_token;
mod idp;
mod key_sets;
mod logout;
mod proxy;
mod recheck;
mod tls;
mod token_endpoint;
mod userinfo;
mod world;
