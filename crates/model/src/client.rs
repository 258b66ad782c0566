//! Clients: the programs that people connect.

use std::fmt;

use kernel::encoding::sha256_base64url;
use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};
use protocol::client_keys::ClientKeys;
use protocol::{RedirectUri, Scopes};

/// The identifier of a client. Its shape depends on where the client came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The identifier.
    pub id: ClientId,
    /// The name it gave itself, cleaned for display; the id where it gave none.
    pub name: String,
    /// Where we know it from.
    pub origin: ClientOrigin,
    /// At least one, unless nobody is ever sent to it: a sidecar, a machine, a resource server.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates at the token endpoint.
    pub auth: ClientAuth,
    /// Whether it may hold refresh tokens.
    pub refresh_tokens: bool,
    /// What it may have at most. Dynamic clients may ask for anything that exists (CL-10);
    /// configured clients for what the operator wrote down.
    pub scopes: Scopes,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Where a client came from, and so how far it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// An operator wrote it into the configuration.
    Configured,
    /// It registered itself (RFC 7591). Everything it says of itself is a claim.
    Dynamic,
    /// It describes itself at the URL that is its id (CIMD). The host of that vouches for it.
    Document,
}

/// How a client proves who it is (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// A public client.
    None,
    /// A secret in the form body.
    SecretPost(Hashed<ClientSecret>),
    /// A secret in the `Authorization` header.
    SecretBasic(Hashed<ClientSecret>),
    /// One of the secrets that an operator chose, in either place. There are several while one
    /// takes the other's place (CA-7).
    Secrets(Vec<ChosenSecret>),
    /// An assertion that it signed (RFC 7523 §2.2).
    PrivateKeyJwt(Signing),
}

/// A secret that an operator chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenSecret {
    /// Its hash. The secret stays in the configuration and reaches no database.
    pub hash: Hashed<ClientSecret>,
    /// From when on it proves nothing, if ever (CA-8).
    pub expires_at: Option<Timestamp>,
}

/// How the assertions of a client are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Where its public keys come from.
    pub keys: KeySource,
    /// For whom they may be made out.
    pub audience: AssertionAudience,
}

/// Where the public keys of a client come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// They were registered or configured with it (`jwks`).
    Registered(ClientKeys),
}

/// For whom an assertion may be made out (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer (draft-ietf-oauth-rfc7523bis §4).
    Issuer,
    /// The token endpoint, too, for clients that know only RFC 7523 §3.
    IssuerOrTokenEndpoint,
}

/// The purpose of a generated client secret.
#[derive(Clone, Copy, Debug)]
pub enum ClientSecret {}

impl Purpose for ClientSecret {
    const PREFIX: &'static str = "wg_cs_";
}

/// What a client says of itself, where its hash stands for it.
#[derive(Clone, Copy, Debug)]
pub enum ClientMetadata {}

impl ClientId {
    /// The prefix of ids made here. It can never be taken for a URL (RG-13).
    pub const PREFIX: &'static str = "cli_";

    /// An id as it was presented or stored.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Client {
    /// The registered URI that a requested one matches.
    pub fn admits_redirect(&self, requested: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|registered| registered.admits(requested))
    }

    /// Stands for all that a person who consents relies on: name, origin, redirect URIs, scopes, the
    /// way to authenticate and public keys. Where one of them changes, the consent is to another client (CI-15).
    /// A secret in another's place changes nothing.
    pub fn metadata_hash(&self) -> Hashed<ClientMetadata> {
        let origin = match self.origin {
            ClientOrigin::Configured => "configured",
            ClientOrigin::Dynamic => "dynamic",
            ClientOrigin::Document => "document",
        };
        let auth = match &self.auth {
            ClientAuth::None => "none".to_owned(),
            ClientAuth::SecretPost(_) | ClientAuth::SecretBasic(_) | ClientAuth::Secrets(_) => {
                "secret".to_owned()
            }
            ClientAuth::PrivateKeyJwt(signing) => {
                let KeySource::Registered(keys) = &signing.keys;
                keys.to_json().to_string()
            }
        };
        // None of them has a line break in it, so the text reads in one way only.
        let scopes = self.scopes.to_string();
        let mut relied_on = vec![self.name.as_str(), origin, &auth, &scopes];
        relied_on.extend(self.redirect_uris.iter().map(RedirectUri::as_str));
        Hashed::from_stored(sha256_base64url(relied_on.join("\n").as_bytes()))
    }
}
