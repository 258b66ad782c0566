//! What happened, for the record. Events commit together with the change that they record.

mod kind;

use kernel::{Hashed, Timestamp};
use protocol::ResourceUri;

use crate::authorization::AuthorizationHandle;
use crate::client::ClientId;
use crate::grant::GrantId;
use crate::person::SubjectId;

pub use self::kind::AuditKind;

/// One event. It never holds a token, code, secret or cookie (LG-2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// When.
    pub at: Timestamp,
    /// The client concerned.
    pub client: Option<ClientId>,
    /// The person concerned.
    pub subject: Option<SubjectId>,
    /// The grant concerned.
    pub grant: Option<GrantId>,
    /// The authorization that it belongs to, as [`authorization_id`] names it.
    pub authorization: Option<String>,
    /// The access token that was issued or revoked, by its `jti` (RFC 9068 §2.2).
    pub token: Option<String>,
    /// The resource concerned.
    pub resource: Option<String>,
    /// The organization that the person acted for, if any.
    pub organization: Option<String>,
    /// Who did it, where it is not who does what is of this kind.
    pub actor: Option<Actor>,
    /// A few more words, such as granted scopes or a reason.
    pub detail: String,
}

/// Characters of a handle's hash that name an authorization: enough to join records, and nothing
/// that a request is found by.
const AUTHORIZATION_ID_LENGTH: usize = 16;

/// What an authorization is called in the record (LG-2): its handle is a secret, and the beginning
/// of the hash is not.
pub fn authorization_id(handle: &Hashed<AuthorizationHandle>) -> String {
    handle.as_str().chars().take(AUTHORIZATION_ID_LENGTH).collect()
}

/// Who did what an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The client, or whoever speaks for it.
    Client,
    /// A person in a browser.
    Person,
    /// An administrator, at the command line or by the configuration.
    Operator,
    /// An identity provider.
    Provider,
    /// This server, because it was time or something else had happened.
    Server,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused or failed.
    Refused,
}

impl AuditEvent {
    /// An event that concerns nobody yet.
    pub const fn new(kind: AuditKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            client: None,
            subject: None,
            grant: None,
            authorization: None,
            token: None,
            resource: None,
            organization: None,
            actor: None,
            detail: String::new(),
        }
    }

    /// The same about a resource.
    #[must_use]
    pub fn on(self, resource: &ResourceUri) -> Self {
        Self { resource: Some(resource.as_str().to_owned()), ..self }
    }

    /// The same within an authorization.
    #[must_use]
    pub fn within(self, handle: &Hashed<AuthorizationHandle>) -> Self {
        Self { authorization: Some(authorization_id(handle)), ..self }
    }

    /// Who did it.
    pub fn actor(&self) -> Actor {
        self.actor.unwrap_or_else(|| self.kind.actor())
    }
}

impl Actor {
    /// Every actor.
    pub const ALL: [Self; 5] =
        [Self::Client, Self::Person, Self::Operator, Self::Provider, Self::Server];

    /// The name in storage and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "person",
            Self::Operator => "operator",
            Self::Provider => "provider",
            Self::Server => "server",
        }
    }

    /// The actor with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|actor| actor.as_str() == name)
    }
}

impl Outcome {
    /// The name in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}
