//! Our request, as the provider reads it.

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use kernel::encoding::from_any_base64;

use super::text::attribute;
use crate::{Form, Return};

/// What somebody was sent to the provider with.
#[derive(Clone, Debug)]
pub struct AuthnRequest {
    /// The request, an XML document.
    pub xml: String,
    /// Goes back with the answer.
    pub relay_state: String,
}

impl AuthnRequest {
    /// By the redirect binding: the URL that the browser was sent to.
    #[track_caller]
    pub fn by_redirect(url: &str) -> Self {
        let sent = Return::read(url);
        let deflated = from_any_base64(sent.get("SAMLRequest").unwrap()).unwrap();
        let mut xml = String::new();
        DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).unwrap();
        Self { xml, relay_state: sent.get("RelayState").unwrap().to_owned() }
    }

    /// By the POST binding: the form that the browser sends.
    #[track_caller]
    pub fn by_form(form: &Form) -> Self {
        let field = |name| form.values(name)[0];
        let xml = String::from_utf8(from_any_base64(field("SAMLRequest")).unwrap()).unwrap();
        Self { xml, relay_state: field("RelayState").to_owned() }
    }

    /// The request's id, which the answer names.
    #[track_caller]
    pub fn id(&self) -> &str {
        attribute(&self.xml, "ID")
    }

    /// Where the answer is to be posted.
    #[track_caller]
    pub fn acs_url(&self) -> &str {
        attribute(&self.xml, "AssertionConsumerServiceURL")
    }

    /// Who asks.
    #[track_caller]
    pub fn issuer(&self) -> &str {
        const START: &str = "<saml:Issuer>";
        let (_, rest) = self.xml.split_once(START).unwrap();
        rest.split_once('<').unwrap().0
    }
}
