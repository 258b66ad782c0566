//! What an operator says of a SAML provider.

use kernel::Redacted;

use crate::claims::ClaimNames;

/// Seconds that the clocks may differ, unless the configuration says otherwise.
pub const DEFAULT_CLOCK_SKEW_SECONDS: i64 = 120;

/// The most that the configuration may allow (SA-9).
pub const MAXIMUM_CLOCK_SKEW_SECONDS: i64 = 300;

/// One SAML provider.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the configuration"
)]
pub struct Config {
    /// The provider's id here: `[a-z0-9-]`.
    pub id: String,
    /// Our own name towards the provider.
    pub entity_id: String,
    /// Where answers arrive; exactly as registered at the provider.
    pub acs_url: String,
    /// Where the provider describes itself.
    pub idp_metadata: MetadataSource,
    /// The provider's own name, if it is to be pinned (SA-15). With metadata that describe several
    /// providers it says which one is meant.
    pub idp_entity_id: Option<String>,
    /// Attribute names: a `Name`, or a `FriendlyName` that is no attribute's `Name`; `NameID` stands for the subject itself.
    pub attributes: ClaimNames,
    /// Further attributes that the operator's rules look at.
    pub kept_claims: Vec<String>,
    /// The e-mail domains for which this provider may vouch.
    pub domains: Vec<String>,
    /// How requests travel.
    pub request_binding: RequestBinding,
    /// Whether requests are signed (SA-14); needs the key and its certificate.
    pub sign_requests: bool,
    /// Our private key in PEM: RSA or EC to sign, RSA to decrypt assertions.
    pub key_pem: Option<Redacted>,
    /// The certificate of that key, in PEM.
    pub certificate_pem: Option<String>,
    /// Whether a signature on the response alone is too little.
    pub want_assertions_signed: bool,
    /// The kind of name we ask for, as a URN.
    pub name_id_format: Option<String>,
    /// Whether the person must sign in anew, whatever session the provider has. Checked in the
    /// answer, because a browser can change an unsigned request.
    pub force_authn: bool,
    /// The ways of signing in that will do, as URNs; none means any. Checked in the answer as well.
    pub authn_contexts: Vec<String>,
    /// Seconds that the provider's clock may differ from ours, 0 to 300.
    pub clock_skew_seconds: i64,
    /// Whether signing certificates and metadata count after their last day. The key is pinned
    /// either way; some providers never renew.
    pub allow_expired_certificates: bool,
}

/// Where the provider's metadata come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataSource {
    /// The document itself, read from a file.
    Xml(String),
    /// An address. It is fetched when first needed, and again when it is old or when an answer was
    /// signed with a key that we do not know.
    Url {
        /// https, or http on this computer.
        url: String,
        /// The certificate, in PEM, whose key must have signed the document (SA-15).
        pinned_certificate_pem: Option<String>,
        /// Seconds after which it is fetched again.
        refresh_seconds: i64,
    },
}

/// How a request reaches the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestBinding {
    /// In the query of a redirect (SAML bindings §3.4).
    #[default]
    Redirect,
    /// In a form that the person's browser posts (SAML bindings §3.5).
    Post,
}

/// Why a provider cannot work as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// One of our own URLs or names is unusable.
    #[error("{0}")]
    Ours(String),
    /// The key, the certificate, or that they do not belong together.
    #[error("{0}")]
    Key(String),
    /// The metadata of the provider, with what is wrong.
    #[error("the provider's metadata: {0}")]
    Metadata(String),
    /// The pinned certificate for signed metadata.
    #[error("the certificate that signs the metadata: {0}")]
    Pin(String),
}

impl Config {
    /// A provider with the usual settings: unsigned requests by redirect, the subject's own name
    /// as the person's id.
    pub fn new(id: &str, entity_id: &str, acs_url: &str, idp_metadata: MetadataSource) -> Self {
        Self {
            id: id.to_owned(),
            entity_id: entity_id.to_owned(),
            acs_url: acs_url.to_owned(),
            idp_metadata,
            idp_entity_id: None,
            attributes: ClaimNames {
                user: "NameID".to_owned(),
                name: "displayName".to_owned(),
                email: "mail".to_owned(),
                groups: "groups".to_owned(),
                organization: String::new(),
            },
            kept_claims: Vec::new(),
            domains: Vec::new(),
            request_binding: RequestBinding::Redirect,
            sign_requests: false,
            key_pem: None,
            certificate_pem: None,
            want_assertions_signed: false,
            name_id_format: None,
            force_authn: false,
            authn_contexts: Vec::new(),
            clock_skew_seconds: DEFAULT_CLOCK_SKEW_SECONDS,
            allow_expired_certificates: false,
        }
    }
}
