//! The page that sends a form on to an identity provider.

use std::fmt;

use askama::Template;

use crate::{Deployment, link, shell};

/// A message to an identity provider that has to be a POST (SAML 2.0 Bindings §3.5). The button is
/// visible: no script presses it.
#[derive(Clone, Copy)]
pub struct UpstreamPost<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The provider's name, as in "Continue to …".
    pub provider_name: &'a str,
    /// The provider's endpoint, from its metadata. If it is no web address there is no form.
    pub url: &'a str,
    /// Names and values of the hidden fields, in this order.
    pub fields: &'a [(&'a str, String)],
}

/// The page that sends a form on to an identity provider.
pub fn upstream_post(view: &UpstreamPost<'_>) -> String {
    shell::page(&Page { view })
}

#[derive(Template)]
#[template(path = "upstream_post.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a UpstreamPost<'a>,
}

impl UpstreamPost<'_> {
    fn target(&self) -> Option<&str> {
        link::safe_web(self.url)
    }
}

/// Leaves out the fields, since one of them names the sign-in that waits for the answer.
impl fmt::Debug for UpstreamPost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamPost")
            .field("provider_name", &self.provider_name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
