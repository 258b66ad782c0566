//! Identity providers, as configured.

use auth::providers::BackChannelLogout;
use sso::portal::PortalKey;
use sso::{oidc, saml};

/// How people sign in.
#[derive(Debug)]
pub enum SignInSettings {
    /// No way in.
    Nobody,
    /// The demo's three people.
    DemoPeople,
    /// Everybody is this person.
    FixedUser(String),
    /// At one of these, in the order of the file. Disabled ones are not here.
    Providers(Vec<ProviderSettings>),
}

/// An enabled `[[sign_in.provider]]`.
#[derive(Debug)]
pub struct ProviderSettings {
    /// Its id in URLs and in people's identities.
    pub id: String,
    /// Its name on buttons.
    pub name: String,
    /// E-mail domains, in small letters.
    pub domains: Vec<String>,
    /// What it speaks.
    pub kind: KindSettings,
}

/// What a provider speaks, and what that needs.
#[derive(Debug)]
pub enum KindSettings {
    /// OpenID Connect.
    Oidc(Box<OidcSettings>),
    /// SAML 2.0.
    Saml(Box<SamlSettings>),
    /// Accounts in our own database.
    Local,
    /// A host application.
    Portal(PortalSettings),
}

/// `kind = "oidc"`.
#[derive(Debug)]
pub struct OidcSettings {
    /// The relying party. Claims that rules look at are added when it is built.
    pub config: oidc::Config,
    /// Whether signing out here signs out there as well.
    pub signs_out_there: bool,
    /// What the provider's logout tokens end.
    pub back_channel: BackChannelLogout,
    /// Further certificate authorities, in PEM.
    pub extra_ca: Option<String>,
}

/// `kind = "saml"`.
#[derive(Debug)]
pub struct SamlSettings {
    /// The service provider. Attributes that rules look at are added when it is built.
    pub config: saml::Config,
    /// Further certificate authorities for the metadata's address, in PEM.
    pub extra_ca: Option<String>,
}

/// `kind = "portal"`.
#[derive(Debug)]
pub struct PortalSettings {
    /// Where people are sent.
    pub url: String,
    /// What the portal signs with.
    pub key: PortalKey,
}

/// Local accounts, for the commands that manage them: also while their provider is disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// The id of the local provider, which is part of each account's identity.
    pub provider: String,
    /// Characters that a new password has at least.
    pub minimum_password_length: usize,
}
