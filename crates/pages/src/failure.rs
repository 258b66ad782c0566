//! Pages for what cannot go on: local errors, and errors on their way back to a client.

use askama::Template;
use protocol::RedirectUri;

use crate::asking::destination;
use crate::{Client, Deployment, link, shell};

/// An error that stays here, because there is no verified place to send it (AZ-2, RU-8).
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The HTTP status that the caller answers with.
    pub status: u16,
    /// The error in a few words.
    pub title: &'a str,
    /// What happened, for a person.
    pub what_happened: &'a str,
    /// What that person can do about it.
    pub what_to_do: &'a str,
    /// What to quote to the operator; it is in the log beside the cause.
    pub reference: Option<&'a str>,
}

/// An error on its way back to a client that nobody vouches for. The person sees where it goes
/// and decides to go there; a redirect at once would make this server an open redirector
/// (OAuth 2.1 §7.12).
#[derive(Clone, Copy, Debug)]
pub struct Interstitial<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Who asked.
    pub client: Client<'a>,
    /// Where the answer goes: the redirect URI of this request, as used (CO-9).
    pub redirect: &'a RedirectUri,
    /// What happened, for a person.
    pub what_happened: &'a str,
    /// The validated redirect URI with the error response in its query.
    pub return_url: &'a str,
}

/// The page for an error that stays here.
pub fn failure(view: &Failure<'_>) -> String {
    shell::page(&FailurePage { view })
}

/// The page before an error goes back to a client that nobody vouches for.
pub fn interstitial(view: &Interstitial<'_>) -> String {
    shell::page(&InterstitialPage { view })
}

#[derive(Template)]
#[template(path = "failure.html", whitespace = "minimize")]
struct FailurePage<'a> {
    view: &'a Failure<'a>,
}

#[derive(Template)]
#[template(path = "interstitial.html", whitespace = "minimize")]
struct InterstitialPage<'a> {
    view: &'a Interstitial<'a>,
}

impl Interstitial<'_> {
    fn way_back(&self) -> Option<&str> {
        link::safe(self.return_url)
    }

    fn destination(&self) -> String {
        destination(self.redirect)
    }
}
