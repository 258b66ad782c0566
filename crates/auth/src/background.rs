//! What goes on beside requests: noticing changes made by other replicas, and tidying up.

use std::sync::Arc;
use std::time::Duration;

use store::StoreError;
use store::unit::{CollectGarbage, ForgetEvents, ThinEvents};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::server::AuthServer;

/// How soon the database may be asked again when it tells of changes without a pause: what one replica
/// is told, all are.
const LOOKS_APART: Duration = Duration::from_millis(100);

/// Every so many polls, and at the first one, expired rows go.
const POLLS_PER_SWEEP: u32 = 30;

/// Expired rows of each table that go with one commit, and how many such commits one sweep may take.
/// What may be open at once ([`Room`](store::unit::Room)) lives for ten minutes, so a tenth of it
/// ends in a minute at most; this is far more. A commit is small, because everybody who wants to
/// write waits for it: of five million refresh tokens on SQLite, a thousand took 110 ms and a
/// hundred take 5.
const SWEEP_ROWS: u32 = 100;
const SWEEP_BATCHES: u32 = 1_000;

/// Events of each kind that anybody can cause which are kept.
const ANONYMOUS_EVENTS: u32 = 100_000;

/// Old events that go with one commit, and how many such commits one sweep may take: calls leave an
/// event each, so these must be able to go as fast as they come.
const SWEEP_EVENTS: u32 = 2_000;
const EVENT_BATCHES: u32 = 20;

/// No revision, so that the next look finds another one.
const NOT_TAKEN_UP: i64 = -1;

/// How the database stood when this replica looked.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Revisions {
    revocations: i64,
    keys: i64,
    disabled: i64,
}

impl AuthServer {
    /// Runs until `shutdown` resolves.
    pub async fn run_background(self: Arc<Self>, shutdown: impl Future<Output = ()>) {
        let look = Notify::new();
        tokio::select! {
            () = self.poll(&look, shutdown) => {}
            never = self.store.listen(&look) => match never {},
        }
    }

    /// Looks for changes at intervals, and at once when `look` says so.
    async fn poll(&self, look: &Notify, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut ticks = interval(self.config.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one comes at once, when everything was just read.
        ticks.tick().await;
        let mut seen = None;
        let mut polls = 0_u32;
        loop {
            let was_told = tokio::select! {
                () = &mut shutdown => return self.tell_the_record().await,
                _ = ticks.tick() => false,
                () = look.notified() => true,
            };
            if let Err(error) = self.notice_changes(&mut seen).await {
                tracing::warn!(%error, "could not look for changes in the database");
            }
            if was_told {
                sleep(LOOKS_APART).await;
                continue;
            }
            if let Err(error) = self.record_notices().await {
                tracing::warn!(%error, "could not record what happened; trying again");
            }
            if polls.is_multiple_of(POLLS_PER_SWEEP) {
                self.tidy_up().await;
            }
            polls = polls.wrapping_add(1);
        }
    }

    async fn notice_changes(&self, seen: &mut Option<Revisions>) -> Result<(), StoreError> {
        let mut reader = self.store.read().await?;
        let revocations = store::revision::revocations(reader.conn()).await?;
        let keys = store::revision::keys(reader.conn()).await?;
        let disabled = store::revision::disabled(reader.conn()).await?;
        drop(reader);
        let mut found = Revisions { revocations, keys, disabled };
        if *seen == Some(found) {
            return Ok(());
        }
        if seen.is_none_or(|seen| seen.disabled != disabled) {
            self.disabled.reload(&self.store).await?;
            self.gone.find_again(&self.config, &self.disabled, &self.store).await?;
        }
        // At the first look, too: it may have changed since it was read at the start.
        if seen.is_none_or(|seen| seen.keys != keys)
            && let Err(error) = self.keys.reload(&self.config, &self.store).await
        {
            tracing::error!(%error, "could not take up changed signing keys; trying again");
            found.keys = NOT_TAKEN_UP;
        }
        *seen = Some(found);
        self.announce_change();
        Ok(())
    }

    /// What waits for the record does not end with the process.
    async fn tell_the_record(&self) {
        self.note_limits();
        if let Err(error) = self.record_notices().await {
            tracing::warn!(%error, "some of what happened could not be recorded");
        }
    }

    async fn tidy_up(&self) {
        self.note_limits();
        self.throttle.forget_the_quiet();
        self.documents.forget_the_quiet();
        match self.gone.find_again(&self.config, &self.disabled, &self.store).await {
            Ok(true) => self.announce_change(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "could not look for providers that are gone"),
        }
        if let Err(error) = self.tend_keys().await {
            tracing::warn!(%error, "could not look after the signing keys");
        }
        if let Err(error) = self.remove_expired_rows().await {
            tracing::warn!(%error, "could not remove expired rows");
        }
        if let Err(error) = self.thin_events().await {
            tracing::warn!(%error, "could not thin out events");
        }
        if let Err(error) = self.forget_old_events().await {
            tracing::warn!(%error, "could not remove old events");
        }
    }

    async fn remove_expired_rows(&self) -> Result<(), StoreError> {
        for _ in 0..SWEEP_BATCHES {
            let sweep = CollectGarbage { now: self.now(), batch: SWEEP_ROWS };
            if self.store.write(sweep).await?.most() < u64::from(SWEEP_ROWS) {
                break;
            }
        }
        Ok(())
    }

    async fn thin_events(&self) -> Result<(), StoreError> {
        let mut gone = 0;
        for _ in 0..EVENT_BATCHES {
            let thin = ThinEvents { kept: ANONYMOUS_EVENTS, batch: SWEEP_EVENTS };
            let now_gone = self.store.write(thin).await?;
            gone += now_gone;
            if now_gone < u64::from(SWEEP_EVENTS) {
                break;
            }
        }
        if gone > 0 {
            tracing::warn!(
                events = gone,
                "strangers caused more events than are kept; the oldest were removed"
            );
        }
        Ok(())
    }

    async fn forget_old_events(&self) -> Result<(), StoreError> {
        let Some(kept_seconds) = self.config.audit_retention_seconds else {
            return Ok(());
        };
        let until = self.now().plus_seconds(-kept_seconds);
        for _ in 0..EVENT_BATCHES {
            let forget = ForgetEvents { until, batch: SWEEP_EVENTS };
            if self.store.write(forget).await? < u64::from(SWEEP_EVENTS) {
                break;
            }
        }
        Ok(())
    }
}
