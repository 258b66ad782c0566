//! What is sealed under an older key-encryption key is sealed under the present one (KY-6), so that the
//! older one can be forgotten. It can be cut short and run again: each value is changed by itself.

use kernel::seal::SealingKey;
use kernel::{SecureRandom, Timestamp};
use model::{Account, AuditEvent, AuditKind, KeyState};
use store::unit::{self, Sealed};
use store::{Store, StoreError};

use super::ring::place;
use crate::server::upstream_refresh_place;

/// Seals everything anew that is kept for long. Sign-ins that are under way are not: they last ten
/// minutes.
pub struct Reseal<'a> {
    /// The database.
    pub store: &'a Store,
    /// The key to seal with.
    pub key: &'a SealingKey,
    /// Those that may have sealed what is there.
    pub old: &'a [SealingKey],
    /// The source of nonces.
    pub random: &'a dyn SecureRandom,
    /// The current moment.
    pub now: Timestamp,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values that are sealed under the present key now, and were not before.
    pub resealed: u64,
    /// Values that were sealed under it before.
    pub current: u64,
    /// What opens with none of the keys, by what it is: the operator has to find the key, or to live
    /// without it.
    pub lost: Vec<String>,
}

/// People that are read at once.
const BATCH: u32 = 500;

impl Reseal<'_> {
    /// Seals signing keys, secrets of one-time codes and what providers are asked with.
    pub async fn run(&self) -> Result<Resealed, StoreError> {
        let mut done = Resealed::default();
        self.signing_keys(&mut done).await?;
        self.one_time_codes(&mut done).await?;
        self.upstream_refreshes(&mut done).await?;
        self.record(&done).await?;
        Ok(done)
    }

    /// Each value changed alone, and once all did, that is one event.
    async fn record(&self, done: &Resealed) -> Result<(), StoreError> {
        if done.resealed == 0 {
            return Ok(());
        }
        let detail = format!("{} values, {} lost", done.resealed, done.lost.len());
        let event = AuditEvent::new(AuditKind::KeysResealed, self.now);
        let unit = unit::RecordCalls { events: vec![AuditEvent { detail, ..event }] };
        self.store.write(unit).await
    }

    async fn signing_keys(&self, done: &mut Resealed) -> Result<(), StoreError> {
        let mut reader = self.store.read().await?;
        let keys = store::signing_key::all(reader.conn()).await?;
        drop(reader);
        for key in keys.into_iter().filter(|key| key.state != KeyState::Retired) {
            let (place, name) = (place(&key.kid), format!("signing key {}", key.kid));
            let of = Sealed::SigningKey(key.kid);
            self.one(done, of, key.private_sealed, &place, name).await?;
        }
        Ok(())
    }

    async fn one_time_codes(&self, done: &mut Resealed) -> Result<(), StoreError> {
        let mut reader = self.store.read().await?;
        let accounts = store::account::list(reader.conn()).await?;
        drop(reader);
        for account in accounts {
            let Some(sealed) = account.totp_sealed else { continue };
            let place = Account::totp_place(&account.id);
            let name = format!("one-time codes of account {:?}", account.username);
            let of = Sealed::OneTimeCodes(account.id.as_str().to_owned());
            self.one(done, of, sealed, &place, name).await?;
        }
        Ok(())
    }

    async fn upstream_refreshes(&self, done: &mut Resealed) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let mut reader = self.store.read().await?;
            let some = store::subject::upstream_refreshes(reader.conn(), &after, BATCH).await?;
            drop(reader);
            let Some(last) = some.last() else { return Ok(()) };
            last.id.as_str().clone_into(&mut after);
            for one in some {
                let place = upstream_refresh_place(&one.provider, &one.external_id);
                let id = one.id.as_str().to_owned();
                let name = format!("what the provider is asked about {id} with");
                self.one(done, Sealed::UpstreamRefresh(id), one.sealed, &place, name).await?;
            }
        }
    }

    async fn one(
        &self,
        done: &mut Resealed,
        of: Sealed,
        before: String,
        place: &str,
        name: String,
    ) -> Result<(), StoreError> {
        if self.key.open(&before, place).is_ok() {
            done.current += 1;
            return Ok(());
        }
        let Some(plain) = self.old.iter().find_map(|key| key.open(&before, place).ok()) else {
            done.lost.push(name);
            return Ok(());
        };
        let after = self.key.seal(&plain, place, self.random);
        let unit = unit::Reseal { of, before, after, sealed_by: self.key.id(), now: self.now };
        // Whoever changed it meanwhile sealed it under the key of their own configuration.
        done.resealed += u64::from(self.store.write(unit).await?);
        Ok(())
    }
}
