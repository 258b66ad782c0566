//! Pages for what is over: back to the application, done already, signed out.

use std::fmt;

use askama::Template;
use protocol::RedirectUri;

use crate::asking::destination;
use crate::{Client, Deployment, link, shell};

/// The way back to an application with a URI scheme of its own. A redirect to such a scheme can
/// end in nothing that a person sees, so the link is there too (CL-18).
#[derive(Clone, Copy)]
pub struct OpenApp<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The client to return to.
    pub client: Client<'a>,
    /// Where the answer goes: the redirect URI of this request, as used (CO-9).
    pub redirect: &'a RedirectUri,
    /// The validated redirect URI with the response in its query. Holds a code: the caller sends
    /// the page with `no-store` and `no-referrer`.
    pub return_url: &'a str,
    /// Whether the page also goes there by itself.
    pub navigation: Navigation,
}

/// Whether a page moves on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Navigation {
    /// It does, at once.
    Automatic,
    /// It waits for a click.
    ByClick,
}

/// A transaction that has had its answer: a second click, a reload, a browser's back button.
#[derive(Clone, Copy, Debug)]
pub struct AlreadyDone<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The client that has the answer, if it is known.
    pub client: Option<Client<'a>>,
}

/// The browser's session is over.
#[derive(Clone, Copy, Debug)]
pub struct SignedOut<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The session at the provider, if there is one and it can be ended too.
    pub at_provider: Option<ProviderSignOut<'a>>,
}

/// Where a person ends the session at the identity provider (LO-2).
#[derive(Clone, Copy)]
pub struct ProviderSignOut<'a> {
    /// The provider's name, as in "Sign out of … too".
    pub provider_name: &'a str,
    /// The provider's sign-out URL with our parameters. May hold the ID token as a hint: the
    /// caller sends the page with `no-store` and `no-referrer`.
    pub url: &'a str,
}

/// The page with the way back to an application.
pub fn open_app(view: &OpenApp<'_>) -> String {
    shell::page(&OpenAppPage { view })
}

/// The page for a transaction that has had its answer.
pub fn already_done(view: &AlreadyDone<'_>) -> String {
    shell::page(&AlreadyDonePage { view })
}

/// The page after signing out.
pub fn signed_out(view: &SignedOut<'_>) -> String {
    shell::page(&SignedOutPage { view })
}

#[derive(Template)]
#[template(path = "open_app.html", whitespace = "minimize")]
struct OpenAppPage<'a> {
    view: &'a OpenApp<'a>,
}

#[derive(Template)]
#[template(path = "already_done.html", whitespace = "minimize")]
struct AlreadyDonePage<'a> {
    view: &'a AlreadyDone<'a>,
}

#[derive(Template)]
#[template(path = "signed_out.html", whitespace = "minimize")]
struct SignedOutPage<'a> {
    view: &'a SignedOut<'a>,
}

/// Leaves out the return URL, since that holds a code.
impl fmt::Debug for OpenApp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenApp")
            .field("client", &self.client)
            .field("redirect", &self.redirect)
            .field("navigation", &self.navigation)
            .finish_non_exhaustive()
    }
}

/// Leaves out the URL, since that may hold an ID token.
impl fmt::Debug for ProviderSignOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSignOut")
            .field("provider_name", &self.provider_name)
            .finish_non_exhaustive()
    }
}

impl ProviderSignOut<'_> {
    fn link(&self) -> Option<&str> {
        link::safe_web(self.url)
    }
}

impl OpenApp<'_> {
    fn way_back(&self) -> Option<&str> {
        link::safe(self.return_url)
    }

    fn destination(&self) -> String {
        destination(self.redirect)
    }

    /// Where the page goes by itself, if it does.
    fn refresh(&self) -> Option<&str> {
        self.way_back().filter(|_| self.navigation == Navigation::Automatic)
    }
}

impl AlreadyDone<'_> {
    /// The client's name, if somebody vouches for it.
    fn vouched_name(&self) -> Option<&str> {
        self.client.filter(|client| !client.is_self_declared()).map(|client| client.name)
    }
}
