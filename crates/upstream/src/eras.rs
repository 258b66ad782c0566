//! What is known of the generations of MCP that an upstream speaks (D-24): as configured, or as
//! it said when it was asked. Once it is known, nobody waits for it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use kernel::Timestamp;
use tokio::sync::Mutex;

use super::Upstream;
use crate::EraChoice;
use crate::connection::{Caller, ConnectionError};

/// What one server speaks, as far as it is known.
pub struct Eras {
    known: AtomicU8,
    /// Until when that is taken for true, in milliseconds.
    holds_until: AtomicI64,
    chosen: bool,
    /// Held by whoever asks; it keeps why the last attempt failed.
    asking: Arc<Mutex<Option<ConnectionError>>>,
    /// How many attempts failed.
    failures: AtomicU64,
}

/// The generations that a server speaks; at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaks {
    /// 2026-07-28 and later.
    pub modern: bool,
    /// 2025-11-25 and earlier.
    pub legacy: bool,
}

/// How long an answer holds. A server may be updated behind our back.
const HOLDS_SECONDS: i64 = 300;
/// How long the old answer still holds when the server could not be asked again.
const AGAIN_SECONDS: i64 = 30;
const UNKNOWN: u8 = 0;
const MODERN: u8 = 1;
const LEGACY: u8 = 2;
/// Until when something holds that was contradicted.
const NEVER: i64 = i64::MIN;

impl Eras {
    pub(crate) fn new(choice: EraChoice) -> Self {
        let known = match choice {
            EraChoice::Auto => UNKNOWN,
            EraChoice::Modern => MODERN,
            EraChoice::Legacy => LEGACY,
            EraChoice::Both => MODERN | LEGACY,
        };
        let chosen = known != UNKNOWN;
        Self {
            known: known.into(),
            holds_until: AtomicI64::new(if chosen { i64::MAX } else { NEVER }),
            chosen,
            asking: Arc::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// What is known and recent enough.
    pub fn known(&self, now: Timestamp) -> Option<Speaks> {
        let holds = now.as_millis() < self.holds_until.load(Ordering::Acquire);
        if holds { self.last() } else { None }
    }

    /// Something contradicted what is known, so the next request waits until the server was asked.
    pub fn doubt(&self) {
        if !self.chosen {
            self.holds_until.store(NEVER, Ordering::Release);
        }
    }

    /// What was known last, which nothing contradicted since.
    pub(super) fn undoubted(&self) -> Option<Speaks> {
        if self.holds_until.load(Ordering::Acquire) == NEVER { None } else { self.last() }
    }

    fn last(&self) -> Option<Speaks> {
        let known = self.known.load(Ordering::Acquire);
        (known != UNKNOWN)
            .then_some(Speaks { modern: known & MODERN != 0, legacy: known & LEGACY != 0 })
    }

    /// Takes in what came of asking, and gives what is to be done now. A server that cannot be
    /// asked is taken for what it was.
    fn learn(
        &self,
        asked: Result<Speaks, ConnectionError>,
        now: Timestamp,
    ) -> Result<Speaks, ConnectionError> {
        let (speaks, seconds) = match (asked, self.last()) {
            (Ok(speaks), _) => (speaks, HOLDS_SECONDS),
            (Err(_), Some(last)) => (last, AGAIN_SECONDS),
            (Err(error), None) => return Err(error),
        };
        let bits = u8::from(speaks.modern) * MODERN + u8::from(speaks.legacy) * LEGACY;
        self.known.store(bits, Ordering::Release);
        self.holds_until.store(now.plus_seconds(seconds).as_millis(), Ordering::Release);
        Ok(speaks)
    }
}

impl Upstream {
    /// What the upstream speaks. Only the first requests wait for that; later it is asked
    /// anew beside them.
    pub async fn speaks(self: &Arc<Self>, caller: &Caller) -> Result<Speaks, ConnectionError> {
        let eras = &self.eras;
        let Some(speaks) = eras.undoubted() else {
            return self.wait_for_eras(caller).await;
        };
        if eras.known(self.now()).is_none() {
            self.renew_eras(caller);
        }
        Ok(speaks)
    }

    /// Asks once for everybody who waits. Who waited for an attempt that failed does not make
    /// another one: a server that hangs would hold up each of them in turn.
    async fn wait_for_eras(self: &Arc<Self>, caller: &Caller) -> Result<Speaks, ConnectionError> {
        let eras = &self.eras;
        let failures = eras.failures.load(Ordering::Acquire);
        let mut last_failure = eras.asking.lock().await;
        if let Some(speaks) = eras.known(self.now()) {
            return Ok(speaks);
        }
        match *last_failure {
            Some(error) if eras.failures.load(Ordering::Acquire) != failures => return Err(error),
            _ => {}
        }
        let learned = self.learn_eras(caller).await;
        if let Err(error) = learned {
            *last_failure = Some(error);
            eras.failures.fetch_add(1, Ordering::Release);
        }
        learned
    }

    /// Asks beside the requests, unless somebody does already.
    fn renew_eras(self: &Arc<Self>, caller: &Caller) {
        let Ok(turn) = Arc::clone(&self.eras.asking).try_lock_owned() else { return };
        let (upstream, caller) = (Arc::clone(self), caller.clone());
        tokio::spawn(async move {
            let _ = upstream.learn_eras(&caller).await;
            drop(turn);
        });
    }

    async fn learn_eras(self: &Arc<Self>, caller: &Caller) -> Result<Speaks, ConnectionError> {
        let asked = self.ask_eras(caller).await;
        match asked {
            Ok(Speaks { modern, legacy }) => {
                tracing::info!(server.name = %self.name, modern, legacy, "mcp.upstream.eras");
            }
            Err(error) => {
                tracing::warn!(server.name = %self.name, %error, "mcp.upstream.eras_unknown");
            }
        }
        self.eras.learn(asked, self.now())
    }
}
