//! Upstream sign-in: who a person is, as far as somebody else can say.
//!
//! Every way in ends in an [`Identity`]. This crate does not know sessions, consent or the store;
//! it answers one question, and the authorization server does the rest. Company providers (OpenID
//! Connect, SAML, local accounts, portals) belong here, one module each, beside
//! [`demo_people`].

pub mod demo_people;
pub mod user_types;

/// What an identity provider said of a person who just signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id of the provider in the configuration.
    pub provider: String,
    /// The provider's stable id of the person; never an e-mail address (UP-3).
    pub external_id: String,
    /// A name to show.
    pub name: String,
    /// An e-mail address to show, if there is one.
    pub email: Option<String>,
    /// Group names, as far as the provider gave them.
    pub groups: Vec<String>,
}
