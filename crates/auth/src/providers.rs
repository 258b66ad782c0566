//! The ways to prove who one is, as the configuration names them.

use std::sync::Arc;

use sso::oidc;
use sso::portal::Portal;
use sso::saml::ServiceProvider;

/// An identity provider.
pub struct Provider {
    /// Its id in the configuration and in URLs.
    pub id: String,
    /// Its name on buttons.
    pub name: String,
    /// E-mail domains whose people sign in here.
    pub domains: Vec<String>,
    /// What it speaks.
    pub kind: ProviderKind,
}

/// What a provider speaks.
pub enum ProviderKind {
    /// OpenID Connect.
    Oidc {
        /// The relying party.
        party: Box<oidc::Provider>,
        /// Whether signing out here signs out there as well (LO-2).
        signs_out_there: bool,
        /// What the provider may end with a logout token (LO-1).
        back_channel: BackChannelLogout,
    },
    /// SAML 2.0.
    Saml(Arc<dyn ServiceProvider>),
    /// Accounts of our own.
    Local,
    /// A host application that vouches for its people.
    Portal(Portal),
}

/// What a provider's logout token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackChannelLogout {
    /// Nothing: the endpoint is not there.
    Off,
    /// Browser sessions.
    Sessions,
    /// Browser sessions, and what the person granted to clients.
    SessionsAndGrants,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("id", &self.id).finish_non_exhaustive()
    }
}
