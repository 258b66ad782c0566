//! Signing out on both sides: OpenID Connect RP-Initiated Logout 1.0 (LO-2) and Back-Channel
//! Logout 1.0 (LO-1).

use kernel::Timestamp;
use serde_json::Value;

use super::checks::{self, date};
use super::jwt::{Signed, Unverified};
use super::person::stable_id;
use super::{Provider, rejected};
use crate::claims::{at, text};
use crate::provider::ProviderError;

/// What a provider tells when somebody signed out there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Who, as in `Identity::external_id`; all their sessions, unless one is named.
    pub external_id: Option<String>,
    /// Which session, as in `UpstreamSession::id`.
    pub session: Option<String>,
    /// Good once.
    pub one_time_id: String,
    /// From when on the same notice is refused for its age, so that its id may be forgotten.
    pub expires_at: Timestamp,
}

/// The member of `events` that makes a token a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Longer ID tokens would make the URL too long for some servers; the client id must do.
const MAX_HINT: usize = 6000;

/// For providers of the drafts before the final text, whose tokens have no `exp`.
const LIFETIME_SECONDS: i64 = 120;

impl Provider {
    /// Where to send the browser so that the person signs out at the provider, too. `None` if the
    /// provider has no such place. `return_to` must be registered there.
    pub async fn logout_url(
        &self,
        hint: Option<&str>,
        return_to: &str,
        state: &str,
    ) -> Result<Option<String>, ProviderError> {
        let document = self.known.document().await?;
        let Some(mut url) = document.end_session_endpoint.clone() else { return Ok(None) };
        let mut query = url.query_pairs_mut();
        if let Some(hint) = hint.filter(|hint| hint.len() <= MAX_HINT) {
            query.append_pair("id_token_hint", hint);
        }
        query
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", return_to)
            .append_pair("state", state);
        drop(query);
        Ok(Some(url.into()))
    }

    /// Checks a logout token (§2.6). Whether it was used before is for the database to say.
    pub async fn verify_logout_token(&self, token: &str) -> Result<LogoutNotice, ProviderError> {
        let unverified = Unverified::read(token, &self.config)?;
        let signed = self.known.verify(&unverified).await?;
        check_kind(&signed)?;
        checks::parties(&signed.claims, &self.config)?;
        let issued = checks::times(&signed.claims, &self.config, self.clock.now())?;
        self.notice(&signed, issued)
    }

    fn notice(&self, signed: &Signed, issued: i64) -> Result<LogoutNotice, ProviderError> {
        let claims = &signed.claims;
        let skew = self.config.clock_skew_seconds;
        let until = date(claims, "exp")?.unwrap_or(issued.saturating_add(LIFETIME_SECONDS));
        let until = until.saturating_add(skew);
        if until <= self.clock.now().as_seconds() {
            return Err(rejected("the logout token has no exp and is older than two minutes"));
        }
        let Some(one_time_id) = claims.get("jti").and_then(text) else {
            return Err(rejected("the logout token has no usable jti"));
        };
        let notice = LogoutNotice {
            external_id: at(claims, &self.config.claims.user).and_then(stable_id),
            session: claims.get("sid").and_then(text),
            one_time_id,
            expires_at: Timestamp::from_millis(until.saturating_mul(1000)),
        };
        let names_somebody = notice.external_id.is_some() || notice.session.is_some();
        names_somebody.then_some(notice).ok_or_else(|| {
            let user = &self.config.claims.user;
            rejected(format!("the logout token has neither sid nor {user}"))
        })
    }
}

/// §2.6: the type if there is one, the event, and no nonce, so that an ID token is never one.
fn check_kind(signed: &Signed) -> Result<(), ProviderError> {
    let typ = signed.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if !matches!(typ, "logout+jwt" | "jwt") {
        return Err(rejected("the token's typ is not logout+jwt"));
    }
    let events = signed.claims.get("events").and_then(Value::as_object);
    if !events.and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(rejected("the token's events has no back-channel logout"));
    }
    let has_nonce = signed.claims.contains_key("nonce");
    (!has_nonce).then_some(()).ok_or_else(|| rejected("the token has a nonce"))
}
