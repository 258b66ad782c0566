//! Signing keys take turns (KY-1).

use model::{KeyState, SigningKey};
use store::unit::{AdvanceKeys, KeysAdvanced, PublishNextKey};

use super::ring::can_open;
use super::{KeyRingError, new_key};
use crate::server::AuthServer;

/// Seconds for which a key is published before it signs. Whoever verifies tokens may keep a key set for
/// five minutes; the rest is for those who keep it longer, and for clocks that were wrong by an hour.
pub const SPREAD_SECONDS: i64 = 2 * 60 * 60;

/// Seconds for which a key stays published after the last token that it signed has expired.
const KEPT_BEYOND_SECONDS: i64 = 15 * 60;

impl AuthServer {
    /// Publishes the next key in time, lets it sign, and takes out those that have done their work. All
    /// replicas do this, and the database lets one of them.
    pub(crate) async fn tend_keys(&self) -> Result<(), KeyRingError> {
        let now = self.now();
        let mut reader = self.store.read().await?;
        let keys = store::signing_key::all(reader.conn()).await?;
        drop(reader);
        // A key that somebody published with another configuration must not come to sign.
        can_open(&self.config, &keys)?;
        if self.rotation_is_near(&keys) {
            let candidate = new_key(&self.config.key_encryption_key, now, &*self.random)?;
            let kid = candidate.kid.clone();
            if self.store.write(PublishNextKey { candidate }).await? {
                tracing::info!(kid, "a new signing key is published, and signs in two hours");
                self.take_up_keys().await?;
            }
        }
        let unit = AdvanceKeys {
            spread_seconds: SPREAD_SECONDS,
            kept_seconds: self.config.access_token_lifetime + KEPT_BEYOND_SECONDS,
            now,
        };
        let KeysAdvanced { activated, retired } = self.store.write(unit).await?;
        if let Some(kid) = &activated {
            tracing::info!(kid, "another key signs now");
        }
        for kid in &retired {
            tracing::info!(kid, "a signing key is gone: its last token has ended");
        }
        if activated.is_some() || !retired.is_empty() {
            self.take_up_keys().await?;
        }
        Ok(())
    }

    /// Whether it is time to publish the key that signs next.
    fn rotation_is_near(&self, keys: &[SigningKey]) -> bool {
        let Some(rotation) = self.config.signing_key_rotation else { return false };
        let has_next = keys.iter().any(|key| key.state == KeyState::Next);
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        let publish_after = rotation.saturating_sub(SPREAD_SECONDS);
        let due = |key: &SigningKey| key.changed_at.plus_seconds(publish_after) <= self.now();
        !has_next && active.is_some_and(due)
    }

    async fn take_up_keys(&self) -> Result<(), KeyRingError> {
        let taken_up = self.keys.reload(&self.config, &self.store).await;
        self.announce_change();
        taken_up
    }
}
