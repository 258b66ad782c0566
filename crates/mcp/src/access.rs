//! What a request must show before anything in it is read: a known Host, an Origin that may call,
//! and a token that is good here. What comes of it is a [`Permit`].

pub(crate) mod bearer;
mod credential;
mod digest;
pub(crate) mod host;
mod keys;
pub(crate) mod mirror;
pub(crate) mod origin;
mod permit;
mod token;
mod trust;
mod verifier;

pub(crate) use credential::Credential;
pub(crate) use permit::{Permit, Reach};
pub(crate) use trust::{TokenStatus, Trust};
pub(crate) use verifier::{NoPermit, Verifier, principal};
