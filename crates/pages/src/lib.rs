//! All HTML and CSS: pure functions from typed views to whole pages.
//!
//! A page is one response. Its stylesheet is inside it, named to the browser by [`style_hash`];
//! it loads nothing, runs no script and needs none. Every text is escaped where it is printed, so
//! callers pass plain text, never markup. A URL that another program chose, the way back to a
//! client or on to an identity provider, is no link and no form when its scheme could run code.
//!
//! | Page | Form it holds |
//! |---|---|
//! | [`sign_in`] | POST `csrf`, `txn`, and `provider` or `user` from the button, or `email` |
//! | [`local_sign_in`] | POST `csrf`, `txn`, `username`, `password` |
//! | [`second_factor`] | POST `csrf`, `txn`, `ticket`, `code` |
//! | [`choose_organization`] | POST `csrf`, `txn`, `organization` from the button |
//! | [`consent`] | POST `csrf`, `txn`, `scope` (repeated), `organization`, `decision` = `allow`, `deny`, `organization` or `switch` |
//! | [`upstream_post`] | POST to the identity provider, with the fields that it is given |
//! | [`account`] | POST `csrf` and `grant` to `…/disconnect`, `organization` to `…/organization`, nothing more to `…/sign-out` |
//! | [`failure`], [`interstitial`], [`open_app`], [`already_done`], [`signed_out`], [`connect`] | none |
//!
//! `txn` is in a form where a client waits for the answer.

mod account;
mod asking;
mod connect;
mod consent;
mod duration;
mod failure;
mod link;
mod local_sign_in;
mod organization;
mod outcome;
mod shell;
mod sign_in;
mod style;
mod upstream;
mod wording;

pub use account::{Account, AccountHolder, Connection, account};
pub use asking::{Asking, Client, ClientTrust, Form, Resource};
pub use connect::{Audience, Connect, connect};
pub use consent::{Consent, Earlier, Lifetime, Organization, ScopeChoice, Tick, consent};
pub use failure::{Failure, Interstitial, failure, interstitial};
pub use local_sign_in::{LocalSignIn, SecondFactor, local_sign_in, second_factor};
pub use organization::{ChooseOrganization, choose_organization};
pub use outcome::{
    AlreadyDone, Navigation, OpenApp, ProviderSignOut, SignedOut, already_done, open_app,
    signed_out,
};
pub use shell::Deployment;
pub use sign_in::{Offer, Person, Provider, SignIn, sign_in};
pub use style::style_hash;
pub use upstream::{UpstreamPost, upstream_post};
pub use wording::ScopeWords;
