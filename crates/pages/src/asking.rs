//! Who asks for access, to what, and where the answer goes: what the pages of a sign-in share.

use std::fmt;

use protocol::RedirectUri;
use protocol::redirect_uri::RedirectKind;

use crate::wording::ScopeWords;

/// Where a page's form goes, and the values that tie it to its browser and its transaction.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// The URL or absolute path that takes the POST. Ours, never taken from a request.
    pub action: &'a str,
    /// The synchronizer token (HD-5), sent back as `csrf`.
    pub csrf: &'a str,
    /// The transaction's handle, sent back as `txn`; `None` where no client waits for an answer,
    /// as on the account page, and then the form has no such field.
    pub txn: Option<&'a str>,
}

/// What a person signs in for.
#[derive(Clone, Copy, Debug)]
pub enum Asking<'a> {
    /// To answer a client that asks for access.
    Authorization {
        /// Who asks.
        client: Client<'a>,
        /// Where the answer goes: the redirect URI of this request, as used (CO-9).
        redirect: &'a RedirectUri,
        /// What access is asked to.
        resource: Resource<'a>,
    },
    /// To see the account page. No client is involved.
    Account,
}

/// The program that asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The name it goes by, cleaned by `protocol::text::display_name`.
    pub name: &'a str,
    /// Who says that this is its name.
    pub standing: ClientTrust<'a>,
}

/// Who vouches for a client's name. This decides how large the name is printed (T-CO-07): one
/// that nobody checked never outshines the host that the answer goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTrust<'a> {
    /// The operator of this deployment, who configured it.
    Registered,
    /// The host that publishes its client metadata document (CIMD).
    Document {
        /// The host of the `client_id` URL.
        host: &'a str,
    },
    /// Nobody: it registered itself (RFC 7591).
    SelfDeclared,
}

/// What access is asked to.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// The server's title, from the operator's configuration.
    pub title: &'a str,
    /// The resource URI: what the person pasted into the client.
    pub url: &'a str,
    /// What its scopes are called, from the operator's configuration.
    pub words: &'a ScopeWords,
}

impl Client<'_> {
    pub(crate) fn is_self_declared(&self) -> bool {
        self.standing == ClientTrust::SelfDeclared
    }

    /// The client as the subject of a sentence, by name only if somebody vouches for the name.
    pub(crate) fn subject(&self) -> &str {
        if self.is_self_declared() { "An unverified app" } else { self.name }
    }
}

/// The place that a redirect URI leads to, as a noun: "Return to …". A host is in the ASCII form
/// of its URI, so that look-alike letters show as punycode (CO-9).
pub(crate) fn destination(redirect: &RedirectUri) -> String {
    match redirect.kind() {
        RedirectKind::Web { host } => host.clone(),
        RedirectKind::Loopback { .. } => "a program on this computer".to_owned(),
        RedirectKind::PrivateUse { scheme } => format!("the app for {scheme}: links"),
    }
}

/// Shows that there is a token without showing it.
impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("action", &self.action).finish_non_exhaustive()
    }
}
