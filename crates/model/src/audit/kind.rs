//! The kinds of event, by name, actor and outcome: the table that `docs/audit.md` explains.

use super::{Actor, Outcome};

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
    /// A process began to serve with a configuration, or took a new one.
    ConfigurationLoaded,
    /// Everything sealed under an older key-encryption key was sealed under the current one.
    KeysResealed,
    /// What was sealed under a lost key-encryption key was given up.
    KeysReset,
    /// Clients that never got a grant were removed.
    ClientsForgotten,
    /// A client that describes itself is new here, or says something else of itself than before.
    DocumentRead,
    /// A client's own description was not taken or could not be fetched.
    DocumentRefused,
    /// Too many requests of a kind came from one network, or of one person through one client, and were refused.
    LimitReached,
    /// A sidecar let a call through.
    McpCall,
    /// A sidecar denied something.
    McpDenied,
    /// A sidecar had no room for records; the detail counts them.
    McpGap,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 47] = [
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
        Self::ConfigurationLoaded,
        Self::KeysResealed,
        Self::KeysReset,
        Self::ClientsForgotten,
        Self::DocumentRead,
        Self::DocumentRefused,
        Self::LimitReached,
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
            Self::ConfigurationLoaded => "configuration.loaded",
            Self::KeysResealed => "keys.resealed",
            Self::KeysReset => "keys.reset",
            Self::ClientsForgotten => "clients.forgotten",
            Self::DocumentRead => "client.document_read",
            Self::DocumentRefused => "client.document_refused",
            Self::LimitReached => "limit.reached",
            Self::McpCall => "mcp.call",
            Self::McpDenied => "mcp.denied",
            Self::McpGap => "mcp.gap",
        }
    }

    /// Who does what is of this kind, if the event says nothing else.
    pub const fn actor(self) -> Actor {
        match self {
            Self::ClientRegistered
            | Self::AssertionReplayed
            | Self::AuthorizationStarted
            | Self::CodeRedeemed
            | Self::CodeReplayed
            | Self::MachineAuthorized
            | Self::RefreshRotated
            | Self::RefreshReusedInWindow
            | Self::RefreshReplayed
            | Self::AccessTokenRevoked
            | Self::DocumentRead
            | Self::DocumentRefused
            | Self::LimitReached
            | Self::McpCall
            | Self::McpDenied => Actor::Client,
            Self::SignedIn
            | Self::ConsentApproved
            | Self::ConsentDenied
            | Self::UpstreamStarted
            | Self::SignInFailed
            | Self::SignedOut
            | Self::OrganizationChosen => Actor::Person,
            Self::UpstreamRejected
            | Self::UpstreamReplayed
            | Self::ProviderLogout
            | Self::ProviderRefused => Actor::Provider,
            Self::SigningKeyRevoked
            | Self::PersonDisabled
            | Self::PersonEnabled
            | Self::AccountAdded
            | Self::AccountChanged
            | Self::AccountDisabled
            | Self::AccountEnabled
            | Self::Disabled
            | Self::Enabled
            | Self::ConfigurationLoaded
            | Self::KeysResealed
            | Self::KeysReset
            | Self::GrantRevoked => Actor::Operator,
            Self::ConsentRemembered
            | Self::SigningKeyCreated
            | Self::SigningKeyActivated
            | Self::SigningKeyRetired
            | Self::ProviderGone
            | Self::AccountLocked
            | Self::ClientsForgotten
            | Self::McpGap => Actor::Server,
        }
    }

    /// How it ended.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::AssertionReplayed
            | Self::ConsentDenied
            | Self::CodeReplayed
            | Self::RefreshReplayed
            | Self::UpstreamRejected
            | Self::UpstreamReplayed
            | Self::SignInFailed
            | Self::ProviderRefused
            | Self::ProviderGone
            | Self::DocumentRefused
            | Self::LimitReached
            | Self::McpDenied => Outcome::Refused,
            _ => Outcome::Done,
        }
    }

    /// Whether a sidecar reports it, with a time of its own.
    pub const fn is_reported(self) -> bool {
        matches!(self, Self::McpCall | Self::McpDenied | Self::McpGap)
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
