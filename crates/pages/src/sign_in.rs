//! The page before sign-in: who asks, and a button for each way to prove who one is.

use askama::Template;
use protocol::UserType;
use protocol::redirect_uri::RedirectKind;

use crate::wording::{Wording, of_user_type};
use crate::{Asking, Deployment, Form, shell};

/// What the sign-in page shows.
///
/// The person learns who asks before any identity provider is involved (CO-1): only a click on
/// this page's buttons starts the upstream redirect.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Where the choice goes.
    pub form: Form<'a>,
    /// What the person signs in for.
    pub asking: Asking<'a>,
    /// The ways to sign in.
    pub offer: Offer<'a>,
    /// What went wrong the last time, in plain words, if anything did.
    pub notice: Option<&'a str>,
}

/// The ways to sign in that a deployment offers.
#[derive(Clone, Copy, Debug)]
pub enum Offer<'a> {
    /// Identity providers.
    Providers {
        /// A button each, `name="provider"`, in this order.
        providers: &'a [Provider<'a>],
        /// Whether to ask for an e-mail address first, `name="email"` in a form of its own, so
        /// that its domain can name the provider (home-realm discovery).
        find_by_email: bool,
    },
    /// The demo's people: a button each, `name="user"`.
    People(&'a [Person<'a>]),
}

/// An identity provider.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// Its id in the configuration: the button's value.
    pub id: &'a str,
    /// Its name, as in "Continue with …".
    pub name: &'a str,
}

/// One of the demo's people.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The button's value: `basic`, `manager` or `admin`.
    pub id: &'a str,
    /// The person's name.
    pub name: &'a str,
    /// What the person may do.
    pub user_type: UserType,
}

/// The sign-in page.
pub fn sign_in(view: &SignIn<'_>) -> String {
    shell::page(&Page { view })
}

#[derive(Template)]
#[template(path = "sign_in.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a SignIn<'a>,
}

impl Person<'_> {
    fn wording(&self) -> Wording<'static> {
        of_user_type(self.user_type)
    }

    /// The letter in the person's badge.
    fn initial(&self) -> String {
        self.name.chars().next().unwrap_or('?').to_uppercase().to_string()
    }
}
