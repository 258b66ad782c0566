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
    /// The organization that the person acted for, if any.
    pub organization: Option<String>,
    /// A few more words, such as granted scopes or a reason.
    pub detail: String,
}

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    /// A client registered itself.
    ClientRegistered,
    /// A client's assertion came a second time and was refused (RFC 7523 §3).
    AssertionReplayed,
    /// An authorization request was accepted.
    AuthorizationStarted,
    /// A person signed in.
    SignedIn,
    /// A person allowed a client.
    ConsentApproved,
    /// A client got a code by what the person had allowed it before.
    ConsentRemembered,
    /// A person refused a client.
    ConsentDenied,
    /// A code was redeemed and a grant made.
    CodeRedeemed,
    /// A code was redeemed a second time.
    CodeReplayed,
    /// A machine got a token for itself.
    MachineAuthorized,
    /// A refresh token was rotated.
    RefreshRotated,
    /// A rotated refresh token came again inside the window.
    RefreshReusedInWindow,
    /// A rotated refresh token came again outside the window.
    RefreshReplayed,
    /// A grant was revoked.
    GrantRevoked,
    /// An access token was revoked, and its grant was not.
    AccessTokenRevoked,
    /// A signing key was made.
    SigningKeyCreated,
    /// A signing key began to sign.
    SigningKeyActivated,
    /// A signing key was taken out of the key set, after its last token ended.
    SigningKeyRetired,
    /// A signing key was taken out of the key set at once, with all its tokens.
    SigningKeyRevoked,
    /// A person left for a provider to sign in.
    UpstreamStarted,
    /// A provider's answer was not believed, or came to another browser than the one that left.
    UpstreamRejected,
    /// A provider's answer, token or logout came a second time and was refused.
    UpstreamReplayed,
    /// A sign-in at a local account failed.
    SignInFailed,
    /// A person signed out here.
    SignedOut,
    /// A provider ended the sessions of a person (LO-1).
    ProviderLogout,
    /// A provider, asked about a person, did not stand by them any more.
    ProviderRefused,
    /// A client wanted tokens for a person whose provider is disabled or was removed.
    ProviderGone,
    /// A person was disabled.
    PersonDisabled,
    /// A disabled person was enabled again.
    PersonEnabled,
    /// A person chose the organization to act for.
    OrganizationChosen,
    /// A local account was made.
    AccountAdded,
    /// The password or the one-time codes of a local account were changed.
    AccountChanged,
    /// Too many wrong attempts locked a local account for a while.
    AccountLocked,
    /// A local account was disabled.
    AccountDisabled,
    /// A disabled local account was enabled again.
    AccountEnabled,
    /// A client, an organization, a provider or a server was switched off.
    Disabled,
    /// It was switched on again.
    Enabled,
    /// A sidecar let a call through.
    McpCall,
    /// A sidecar denied something.
    McpDenied,
    /// A sidecar had no room for records; the detail counts them.
    McpGap,
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
            organization: None,
            detail: String::new(),
        }
    }
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 40] = [
        Self::ClientRegistered,
        Self::AssertionReplayed,
        Self::AuthorizationStarted,
        Self::SignedIn,
        Self::ConsentApproved,
        Self::ConsentRemembered,
        Self::ConsentDenied,
        Self::CodeRedeemed,
        Self::CodeReplayed,
        Self::MachineAuthorized,
        Self::RefreshRotated,
        Self::RefreshReusedInWindow,
        Self::RefreshReplayed,
        Self::GrantRevoked,
        Self::AccessTokenRevoked,
        Self::SigningKeyCreated,
        Self::SigningKeyActivated,
        Self::SigningKeyRetired,
        Self::SigningKeyRevoked,
        Self::UpstreamStarted,
        Self::UpstreamRejected,
        Self::UpstreamReplayed,
        Self::SignInFailed,
        Self::SignedOut,
        Self::ProviderLogout,
        Self::ProviderRefused,
        Self::ProviderGone,
        Self::PersonDisabled,
        Self::PersonEnabled,
        Self::OrganizationChosen,
        Self::AccountAdded,
        Self::AccountChanged,
        Self::AccountLocked,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::Disabled,
        Self::Enabled,
        Self::McpCall,
        Self::McpDenied,
        Self::McpGap,
    ];

    /// The name in storage and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRegistered => "client.registered",
            Self::AssertionReplayed => "client.assertion_replayed",
            Self::AuthorizationStarted => "authorization.started",
            Self::SignedIn => "person.signed_in",
            Self::ConsentApproved => "consent.approved",
            Self::ConsentRemembered => "consent.remembered",
            Self::ConsentDenied => "consent.denied",
            Self::CodeRedeemed => "code.redeemed",
            Self::CodeReplayed => "code.replayed",
            Self::MachineAuthorized => "machine.authorized",
            Self::RefreshRotated => "refresh.rotated",
            Self::RefreshReusedInWindow => "refresh.reused_in_window",
            Self::RefreshReplayed => "refresh.replayed",
            Self::GrantRevoked => "grant.revoked",
            Self::AccessTokenRevoked => "access.revoked",
            Self::SigningKeyCreated => "signing_key.created",
            Self::SigningKeyActivated => "signing_key.activated",
            Self::SigningKeyRetired => "signing_key.retired",
            Self::SigningKeyRevoked => "signing_key.revoked",
            Self::UpstreamStarted => "upstream.started",
            Self::UpstreamRejected => "upstream.rejected",
            Self::UpstreamReplayed => "upstream.replayed",
            Self::SignInFailed => "person.sign_in_failed",
            Self::SignedOut => "person.signed_out",
            Self::ProviderLogout => "provider.logout",
            Self::ProviderRefused => "provider.refused",
            Self::ProviderGone => "provider.gone",
            Self::PersonDisabled => "person.disabled",
            Self::PersonEnabled => "person.enabled",
            Self::OrganizationChosen => "organization.chosen",
            Self::AccountAdded => "account.added",
            Self::AccountChanged => "account.changed",
            Self::AccountLocked => "account.locked",
            Self::AccountDisabled => "account.disabled",
            Self::AccountEnabled => "account.enabled",
            Self::Disabled => "switched.off",
            Self::Enabled => "switched.on",
            Self::McpCall => "mcp.call",
            Self::McpDenied => "mcp.denied",
            Self::McpGap => "mcp.gap",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
