//! Sign-in with an account that is kept here: a password, then a code if the account wants one.

use std::fmt;

use askama::Template;

use crate::{Asking, Deployment, Form, shell};

/// The page that asks for a password.
#[derive(Clone, Copy, Debug)]
pub struct LocalSignIn<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Where user name and password go.
    pub form: Form<'a>,
    /// The provider's name in the configuration, such as "Northwind account".
    pub provider_name: &'a str,
    /// What the person signs in for.
    pub asking: Asking<'a>,
    /// The user name of the last attempt, so that nobody types it twice; empty at first. The
    /// password is never sent back to a page.
    pub username: &'a str,
    /// What went wrong the last time, in plain words, if anything did. The same words for a wrong
    /// password and for a user name that does not exist.
    pub notice: Option<&'a str>,
    /// Our page with the other ways to sign in, if there are any.
    pub other_ways: Option<&'a str>,
}

/// The page that asks for the code of an authenticator app (RFC 6238).
///
/// The field admits one space in the middle, as many apps show the code; the caller removes it.
#[derive(Clone, Copy)]
pub struct SecondFactor<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Where the code goes.
    pub form: Form<'a>,
    /// The proof that the password was right, opaque, sent back as `ticket`.
    pub ticket: &'a str,
    /// What went wrong the last time, in plain words, if anything did.
    pub notice: Option<&'a str>,
}

/// The page that asks for a password.
pub fn local_sign_in(view: &LocalSignIn<'_>) -> String {
    shell::page(&LocalSignInPage { view })
}

/// The page that asks for a code.
pub fn second_factor(view: &SecondFactor<'_>) -> String {
    shell::page(&SecondFactorPage { view })
}

#[derive(Template)]
#[template(path = "local_sign_in.html", whitespace = "minimize")]
struct LocalSignInPage<'a> {
    view: &'a LocalSignIn<'a>,
}

#[derive(Template)]
#[template(path = "second_factor.html", whitespace = "minimize")]
struct SecondFactorPage<'a> {
    view: &'a SecondFactor<'a>,
}

/// Leaves out the ticket, which stands for a password.
impl fmt::Debug for SecondFactor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactor")
            .field("form", &self.form)
            .field("notice", &self.notice)
            .finish_non_exhaustive()
    }
}
