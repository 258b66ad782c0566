//! The account page: who is signed in, for which organization, and what is connected.

use std::fmt;

use askama::Template;
use protocol::{Scopes, UserType};

use crate::wording::{Wording, of_user_type};
use crate::{Client, Deployment, Resource, shell};

/// What the account page shows. Each of its forms is a POST with `csrf`, below [`Self::action`].
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// This page's own path, such as `/account`: the forms go to `/disconnect`, `/organization`
    /// and `/sign-out` below it.
    pub action: &'a str,
    /// The path of the page that tells how to connect an app.
    pub connect: &'a str,
    /// The synchronizer token (HD-5), sent back as `csrf`.
    pub csrf: &'a str,
    /// Who is signed in.
    pub person: AccountHolder<'a>,
    /// The person's organizations, as the identity provider names them.
    pub organizations: &'a [&'a str],
    /// The one that new connections act for: chosen, or the only one.
    pub organization: Option<&'a str>,
    /// All the person's connections, whichever organization each is for, in this order.
    pub connections: &'a [Connection<'a>],
    /// The app that the person has just disconnected here, if any.
    pub disconnected: Option<Client<'a>>,
}

/// Who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct AccountHolder<'a> {
    /// The person's name.
    pub name: &'a str,
    /// The e-mail address, if it is known.
    pub email: Option<&'a str>,
    /// What the person may do.
    pub user_type: UserType,
    /// The name of the provider that vouches for the person.
    pub provider_name: &'a str,
}

/// An app that acts in the person's name: one grant.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// The grant's id: the button's value.
    pub id: &'a str,
    /// The client. A name that nobody vouches for is marked here too.
    pub client: Client<'a>,
    /// The host that the code was sent to.
    pub redirect_host: &'a str,
    /// What it has access to.
    pub resource: Resource<'a>,
    /// The organization that it acts for, if the person had one at consent.
    pub organization: Option<&'a str>,
    /// What it may do.
    pub scopes: Scopes,
    /// Since when, in words, as in "Connected …": "on 4 May 2026".
    pub since: &'a str,
}

/// The account page.
pub fn account(view: &Account<'_>) -> String {
    shell::page(&Page { view })
}

#[derive(Template)]
#[template(path = "account.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a Account<'a>,
}

impl Account<'_> {
    fn is_current(&self, organization: &str) -> bool {
        self.organization == Some(organization)
    }
}

impl AccountHolder<'_> {
    fn wording(&self) -> Wording<'static> {
        of_user_type(self.user_type)
    }
}

impl Connection<'_> {
    /// Whether the code went to a program on the person's own computer (RFC 8252 §7.3).
    fn is_on_this_computer(&self) -> bool {
        matches!(self.redirect_host, "localhost" | "127.0.0.1" | "[::1]" | "::1")
    }

    fn permissions(&self) -> Vec<&str> {
        self.scopes.iter().map(|scope| self.resource.words.of(scope).title).collect()
    }
}

/// Shows that there is a token without showing it.
impl fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("action", &self.action)
            .field("person", &self.person)
            .field("organizations", &self.organizations)
            .field("organization", &self.organization)
            .field("connections", &self.connections)
            .field("disconnected", &self.disconnected)
            .finish_non_exhaustive()
    }
}
