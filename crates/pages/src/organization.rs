//! The question which organization a client is to act for.

use askama::Template;

use crate::{Client, Deployment, Form, shell};

/// What the page shows to a person with several organizations, after sign-in and before consent.
#[derive(Clone, Copy, Debug)]
pub struct ChooseOrganization<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Where the choice goes, or `decision` = `deny` or `switch` (another account) instead of it.
    pub form: Form<'a>,
    /// The person's organizations, as the identity provider names them: a button each,
    /// `name="organization"`, in this order.
    pub organizations: &'a [&'a str],
    /// The person's last choice. It is marked; it need not be among the organizations any more.
    pub remembered: Option<&'a str>,
    /// The name of the person who is signed in.
    pub person: &'a str,
    /// Who asks.
    pub client: Client<'a>,
}

/// The page that asks for an organization.
pub fn choose_organization(view: &ChooseOrganization<'_>) -> String {
    shell::page(&Page { view })
}

#[derive(Template)]
#[template(path = "choose_organization.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a ChooseOrganization<'a>,
}

impl ChooseOrganization<'_> {
    fn is_remembered(&self, organization: &str) -> bool {
        self.remembered == Some(organization)
    }
}
