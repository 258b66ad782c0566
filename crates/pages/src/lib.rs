//! All HTML and CSS: pure functions from typed views to whole pages.
//!
//! A page is one response. Its stylesheet is inside it, named to the browser by [`style_hash`];
//! it loads nothing, runs no script and needs none. Every text is escaped where it is printed, so
//! callers pass plain text, never markup. The one value that becomes a link, the way back to a
//! client, is printed as text instead when its scheme could run code.
//!
//! | Page | Form it holds |
//! |---|---|
//! | [`sign_in`] | POST `csrf`, `txn`, and `provider` or `user` from the button |
//! | [`consent`] | POST `csrf`, `txn`, `scope` (repeated), `decision` = `allow`, `deny` or `switch` |
//! | [`failure`], [`interstitial`], [`open_app`], [`already_done`], [`signed_out`], [`connect`] | none |

mod asking;
mod connect;
mod consent;
mod duration;
mod failure;
mod link;
mod outcome;
mod shell;
mod sign_in;
mod style;
mod wording;

pub use asking::{Client, Form, Resource, Standing};
pub use connect::{Audience, Connect, connect};
pub use consent::{Consent, Lifetime, ScopeChoice, Tick, consent};
pub use failure::{Failure, Interstitial, failure, interstitial};
pub use outcome::{
    AlreadyDone, Navigation, OpenApp, SignedOut, already_done, open_app, signed_out,
};
pub use shell::Deployment;
pub use sign_in::{Offer, Person, Provider, SignIn, sign_in};
pub use style::style_hash;
