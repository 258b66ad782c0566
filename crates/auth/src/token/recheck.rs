//! Whether the person is still who they were at the last sign-in, asked of their provider when a
//! client refreshes (OpenID Connect Core §12). Off unless the operator sets `recheck_seconds`.
//!
//! One request on one replica asks; the others go on with what is stored, and so does everybody
//! while the provider is away. Nothing is locked while the provider is waited for. A provider that
//! takes each refresh token only once makes two moments dangerous, and both are guarded: the
//! asking goes on when the client hangs up, and a new token is kept even if the rest of the answer
//! is of no use. What remains is a database that goes away in between; then the provider refuses
//! the next time, and the person signs in again.

use std::sync::Arc;

use kernel::{Redacted, Timestamp};
use model::{RefreshToken, Subject};
use protocol::{Identity, OAuthError, OAuthErrorCode};
use sso::ProviderError;
use store::unit::{
    ClaimRecheck, ClaimRecheckOutcome, EndRefusedPerson, EndRefusedPersonOutcome, Rechecked,
    RecheckedOutcome, ReleaseRecheck,
};
use tracing::Instrument as _;

use crate::answer::ClientFailure;
use crate::server::AuthServer;

/// Seconds until a provider that did not answer is asked about the same person again. Each time a
/// client may have to wait for it.
const RETRY_SECONDS: i64 = 30;

/// The person as the provider sees them, if it is time to ask; else as they are stored.
pub(super) async fn as_of_now(
    server: &Arc<AuthServer>,
    token: &RefreshToken,
    subject: Subject,
) -> Result<Subject, ClientFailure> {
    let Some(due) = due(server, token, &subject).await? else { return Ok(subject) };
    let server = Arc::clone(server);
    // A task of its own: the client may hang up between the provider's answer and the database.
    let asking = async move { claim_and_ask(&server, subject, due).await };
    let asked = tokio::spawn(asking.in_current_span()).await;
    match asked {
        Ok(asked) => asked,
        // A panic stays one, whoever had it.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(ClientFailure::Unexpected(error.into())),
        },
    }
}

/// That it is time to ask.
struct Due {
    /// When the provider was last asked.
    seen: Timestamp,
    /// Seconds after which it is asked again.
    after: i64,
}

/// A claim to ask, and to say what came of it.
struct Claim<'a> {
    server: &'a AuthServer,
    subject: &'a Subject,
    at: Timestamp,
    due: Due,
}

/// An expired token refreshes nothing, so it is no reason to ask.
async fn due(
    server: &AuthServer,
    token: &RefreshToken,
    subject: &Subject,
) -> Result<Option<Due>, ClientFailure> {
    let Some((_, after)) = server.config.rechecked_at(&subject.identity.provider) else {
        return Ok(None);
    };
    let now = server.now();
    if token.expires_at <= now {
        return Ok(None);
    }
    let mut reader = server.store.read().await?;
    let seen = store::subject::checked_at(reader.conn(), &subject.id).await?;
    let old = seen.filter(|seen| seen.plus_seconds(after) <= now);
    Ok(old.map(|seen| Due { seen, after }))
}

async fn claim_and_ask(
    server: &AuthServer,
    subject: Subject,
    due: Due,
) -> Result<Subject, ClientFailure> {
    let Some((party, _)) = server.config.rechecked_at(&subject.identity.provider) else {
        return Ok(subject);
    };
    let now = server.now();
    let unit = ClaimRecheck { subject: subject.id.clone(), seen: due.seen, now };
    let sealed = match server.store.write(unit).await? {
        ClaimRecheckOutcome::Claimed { upstream_refresh_sealed } => upstream_refresh_sealed,
        ClaimRecheckOutcome::Taken => return Ok(subject),
    };
    let Some(token) = server.open_upstream_refresh(&sealed, &subject.identity) else {
        tracing::warn!(subject.id = %subject.id, "recheck.cannot_open");
        return Ok(subject);
    };
    let claim = Claim { server, subject: &subject, at: now, due };
    let answer = party.recheck(token.reveal(), &subject.identity.external_id).await;
    let rotated = answer.refresh_token;
    match answer.outcome {
        Ok(identity) => claim.keep(identity, rotated.as_ref()).await,
        Err(error) => claim.settle(error, rotated.as_ref()).await,
    }
}

impl Claim<'_> {
    /// What the provider said counts from this very refresh on.
    async fn keep(
        &self,
        identity: Identity,
        rotated: Option<&Redacted>,
    ) -> Result<Subject, ClientFailure> {
        let now_it_is = Subject { identity: identity.clone(), ..self.subject.clone() };
        let unit = Rechecked {
            subject: self.subject.id.clone(),
            claimed_at: self.at,
            user_type: self.server.user_type(&now_it_is),
            identity,
            upstream_refresh_sealed: self.seal(rotated),
        };
        match self.server.store.write(unit).await? {
            RecheckedOutcome::Stored(subject) | RecheckedOutcome::Overtaken(subject) => {
                Ok(*subject)
            }
            RecheckedOutcome::Disabled => Err(not_any_more().into()),
        }
    }

    /// Only the provider's plain no ends anything. An answer that cannot be believed, or is not
    /// complete, gives no token now and is asked for anew next time; one that did not come, or
    /// could not for a reason that the operator has to mend, is no statement about the person.
    async fn settle(
        &self,
        error: ProviderError,
        rotated: Option<&Redacted>,
    ) -> Result<Subject, ClientFailure> {
        let (subject, provider) = (&self.subject.id, &self.subject.identity.provider);
        match &error {
            ProviderError::Refused { code, .. } => {
                tracing::warn!(subject.id = %subject, provider, %error, "recheck.refused");
                self.end(code).await
            }
            ProviderError::Rejected(_) | ProviderError::Incomplete(_) => {
                tracing::warn!(subject.id = %subject, provider, %error, "recheck.not_believed");
                self.release(self.due.seen, rotated).await?;
                Err(not_any_more().into())
            }
            ProviderError::Unavailable(_) | ProviderError::Misconfigured(_) => {
                tracing::warn!(subject.id = %subject, provider, %error, "recheck.no_answer");
                let wait = RETRY_SECONDS.saturating_sub(self.due.after);
                self.release(self.server.now().plus_seconds(wait), rotated).await?;
                Ok(self.subject.clone())
            }
        }
    }

    async fn end(&self, code: &str) -> Result<Subject, ClientFailure> {
        let unit = EndRefusedPerson {
            subject: self.subject.id.clone(),
            claimed_at: self.at,
            detail: format!("{}: {code}", self.subject.identity.provider),
            now: self.server.now(),
        };
        match self.server.store.write(unit).await? {
            EndRefusedPersonOutcome::Ended { grants, .. } => {
                if grants > 0 {
                    self.server.announce_change();
                }
                Err(not_any_more().into())
            }
            // It was refused for being old: the person has just signed in there.
            EndRefusedPersonOutcome::Overtaken => self.read_again().await,
        }
    }

    async fn read_again(&self) -> Result<Subject, ClientFailure> {
        let mut reader = self.server.store.read().await?;
        let found = store::subject::find(reader.conn(), &self.subject.id).await?;
        let standing = found.filter(|subject| subject.disabled_at.is_none());
        standing.ok_or_else(|| not_any_more().into())
    }

    async fn release(
        &self,
        back_to: Timestamp,
        rotated: Option<&Redacted>,
    ) -> Result<(), ClientFailure> {
        let unit = ReleaseRecheck {
            subject: self.subject.id.clone(),
            claimed_at: self.at,
            back_to,
            upstream_refresh_sealed: self.seal(rotated),
        };
        Ok(self.server.store.write(unit).await?)
    }

    fn seal(&self, rotated: Option<&Redacted>) -> Option<String> {
        let token = rotated?.reveal();
        Some(self.server.seal_upstream_refresh(token, &self.subject.identity))
    }
}

fn not_any_more() -> OAuthError {
    OAuthErrorCode::InvalidGrant
        .because("the person's identity provider does not vouch for them now; sign in again")
}
