//! What happened, for the record. Events commit together with the change that they record.

use kernel::Timestamp;

use crate::client::ClientId;
use crate::grant::GrantId;
use crate::person::SubjectId;

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
    /// A few more words, such as granted scopes or a reason.
    pub detail: String,
}

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    /// A client registered itself.
    ClientRegistered,
    /// An authorization request was accepted.
    AuthorizationStarted,
    /// A person signed in.
    SignedIn,
    /// A person allowed a client.
    ConsentApproved,
    /// A person refused a client.
    ConsentDenied,
    /// A code was redeemed and a grant made.
    CodeRedeemed,
    /// A code was redeemed a second time.
    CodeReplayed,
    /// A refresh token was rotated.
    RefreshRotated,
    /// A rotated refresh token came again inside the window.
    RefreshReusedInWindow,
    /// A rotated refresh token came again outside the window.
    RefreshReplayed,
    /// A grant was revoked.
    GrantRevoked,
    /// A signing key was made.
    SigningKeyCreated,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::ClientRegistered,
        Self::AuthorizationStarted,
        Self::SignedIn,
        Self::ConsentApproved,
        Self::ConsentDenied,
        Self::CodeRedeemed,
        Self::CodeReplayed,
        Self::RefreshRotated,
        Self::RefreshReusedInWindow,
        Self::RefreshReplayed,
        Self::GrantRevoked,
        Self::SigningKeyCreated,
    ];

    /// The name in storage and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRegistered => "client.registered",
            Self::AuthorizationStarted => "authorization.started",
            Self::SignedIn => "person.signed_in",
            Self::ConsentApproved => "consent.approved",
            Self::ConsentDenied => "consent.denied",
            Self::CodeRedeemed => "code.redeemed",
            Self::CodeReplayed => "code.replayed",
            Self::RefreshRotated => "refresh.rotated",
            Self::RefreshReusedInWindow => "refresh.reused_in_window",
            Self::RefreshReplayed => "refresh.replayed",
            Self::GrantRevoked => "grant.revoked",
            Self::SigningKeyCreated => "signing_key.created",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
