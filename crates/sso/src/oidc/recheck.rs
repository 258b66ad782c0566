//! Asking about a person again without the person: OpenID Connect Core §12.

use kernel::Redacted;
use protocol::Identity;

use super::token::Tokens;
use super::userinfo::UserInfo;
use super::{Document, Provider, jwt, rejected};
use crate::provider::ProviderError;

/// What came of asking about a person again.
#[derive(Clone, Debug)]
pub struct Rechecked {
    /// The same person, as the provider sees them now. [`ProviderError::Refused`] if the provider
    /// does not stand by them any more.
    pub outcome: Result<Identity, ProviderError>,
    /// What takes the place of the refresh token that was shown, if the provider rotated it. It
    /// must be kept whatever the outcome: the old one may be worth nothing now, and showing it
    /// again may look like theft (RFC 9700 §4.14.2).
    pub refresh_token: Option<Redacted>,
}

impl Provider {
    /// Seconds after which to ask about a person again, if ever.
    pub fn rechecks_after(&self) -> Option<i64> {
        Some(self.config.recheck_seconds).filter(|seconds| *seconds > 0)
    }

    /// Asks what the provider says now of the person with this `external_id`. Only one caller at a
    /// time may hold a refresh token, because many providers take each only once.
    pub async fn recheck(&self, refresh_token: &str, external_id: &str) -> Rechecked {
        let (document, tokens) = match self.renew(refresh_token).await {
            Ok(renewed) => renewed,
            Err(error) => return Rechecked { outcome: Err(error), refresh_token: None },
        };
        let outcome = self.same_person(&document, &tokens, external_id).await;
        Rechecked { outcome, refresh_token: tokens.refresh }
    }

    /// Everything that can be away is asked for before the refresh token is shown.
    async fn renew(&self, refresh_token: &str) -> Result<(Document, Tokens), ProviderError> {
        let document = Document::clone(&*self.known.document().await?);
        self.known.keys().await?;
        let tokens = self.refresh(&document, refresh_token).await?;
        Ok((document, tokens))
    }

    async fn same_person(
        &self,
        document: &Document,
        tokens: &Tokens,
        external_id: &str,
    ) -> Result<Identity, ProviderError> {
        let said = self.said_later(document, tokens).await?;
        let identity = self.identity(&said)?;
        // §12.2: the same person, or it is no answer to what was asked.
        let same = identity.external_id == external_id;
        same.then_some(identity).ok_or_else(|| rejected("the refresh was about somebody else"))
    }

    /// §12.2: an ID token may come, and is then checked nearly as the first was.
    async fn said_later(
        &self,
        document: &Document,
        tokens: &Tokens,
    ) -> Result<UserInfo, ProviderError> {
        if tokens.id.is_none() {
            return self.gather_without_id_token(document, tokens).await;
        }
        let unverified = jwt::Unverified::read(tokens.id_token()?, &self.config)?;
        let signed = self.known.verify(&unverified).await?;
        self.check_later_id_token(&signed, tokens.access_token())?;
        self.gather(document, signed.claims, tokens).await
    }
}
