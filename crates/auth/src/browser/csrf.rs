//! The synchronizer token of our forms (HD-5): a MAC over the transaction and the browser, so that
//! rendering a page twice does not invalidate the first form.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use kernel::encoding::{base64url, from_base64url};
use kernel::seal::SealingKey;
use kernel::{Hashed, Plain};
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::person::SessionSecret;

/// Makes and checks CSRF tokens. Every replica derives the same key.
pub(crate) struct CsrfKey(Key);

impl CsrfKey {
    pub(crate) fn new(key_encryption_key: &SealingKey) -> Self {
        Self(Key::new(HMAC_SHA256, key_encryption_key.derive("csrf").bytes()))
    }

    /// The token for one transaction in one browser; without a transaction, for the account page.
    pub(crate) fn token(
        &self,
        handle: Option<&Plain<AuthorizationHandle>>,
        browser: &Plain<BrowserBinding>,
    ) -> String {
        base64url(sign(&self.0, &message(handle, browser)).as_ref())
    }

    /// The token for a form that only one session may send: see [`CsrfKey::is_of_session`].
    pub(crate) fn token_of_session(
        &self,
        handle: Option<&Plain<AuthorizationHandle>>,
        browser: &Plain<BrowserBinding>,
        session: &Hashed<SessionSecret>,
    ) -> String {
        let mark = base64url(sign(&self.0, &session_message(handle, session)).as_ref());
        format!("{}.{mark}", self.token(handle, browser))
    }

    /// Whether the page with this token was made for this session.
    pub(crate) fn is_of_session(
        &self,
        unverified: Option<&str>,
        handle: Option<&Plain<AuthorizationHandle>>,
        session: &Hashed<SessionSecret>,
    ) -> bool {
        let mark = unverified.and_then(|token| token.split_once('.')).map(|(_, mark)| mark);
        let tag = mark.and_then(from_base64url);
        tag.is_some_and(|tag| verify(&self.0, &session_message(handle, session), &tag).is_ok())
    }

    /// Checks a presented token in constant time.
    pub(crate) fn verify(
        &self,
        unverified: Option<&str>,
        handle: Option<&Plain<AuthorizationHandle>>,
        browser: &Plain<BrowserBinding>,
    ) -> bool {
        let token = unverified.map(|token| token.split('.').next().unwrap_or_default());
        let tag = token.and_then(from_base64url);
        tag.is_some_and(|tag| verify(&self.0, &message(handle, browser), &tag).is_ok())
    }
}

fn session_message(
    handle: Option<&Plain<AuthorizationHandle>>,
    session: &Hashed<SessionSecret>,
) -> Vec<u8> {
    let handle = handle.map_or("account", |handle| handle.reveal());
    ["session:", handle, session.as_str()].concat().into_bytes()
}

fn message(
    handle: Option<&Plain<AuthorizationHandle>>,
    browser: &Plain<BrowserBinding>,
) -> Vec<u8> {
    // All parts have fixed lengths and prefixes of their own, so no two messages are alike.
    let handle = handle.map_or("account", |handle| handle.reveal());
    [handle.as_bytes(), browser.reveal().as_bytes()].concat()
}
