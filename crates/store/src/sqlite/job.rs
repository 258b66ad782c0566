//! A unit of work on its way through the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use model::AuditEvent;
use tokio::sync::oneshot;

use crate::conn::{Conn, Txn, UnitOfWork};
use crate::error::StoreError;

/// A unit of work whose type was forgotten, so that different ones can share a commit.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Runs the unit and keeps its outcome for later.
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Ran>;

    /// Tells the caller what came of it.
    fn answer(self: Box<Self>, commit: &Result<(), StoreError>);
}

/// What is to be done with what the unit did.
pub(super) enum Ran {
    /// Keep it and record these events.
    Keep(Vec<AuditEvent>),
    /// Undo it; the others in the group are not concerned.
    Undo,
    /// The database is in trouble, so the whole group fails.
    Abort(StoreError),
}

/// Who decided first about a unit: the writer, to run it, or the caller, to wait no longer. The
/// writer may have waited for a lock for as long as the caller waits for the writer, and a caller
/// who was told that nothing was changed must have been told the truth (T-STO-04).
#[derive(Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Whether nobody has decided before.
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A unit and the one who waits for its outcome.
pub(super) struct Waiting<U: UnitOfWork> {
    unit: U,
    claim: Claim,
    is_claimed: bool,
    result: Option<Result<U::Outcome, StoreError>>,
    caller: oneshot::Sender<Result<U::Outcome, StoreError>>,
}

impl<U: UnitOfWork> Waiting<U> {
    pub(super) const fn new(
        unit: U,
        claim: Claim,
        caller: oneshot::Sender<Result<U::Outcome, StoreError>>,
    ) -> Self {
        Self { unit, claim, is_claimed: false, result: None, caller }
    }

    /// Whether the unit is the writer's to run. It stays so if the group runs again.
    fn claim(&mut self) -> bool {
        self.is_claimed = self.is_claimed || (!self.caller.is_closed() && self.claim.take());
        self.is_claimed
    }
}

impl<U: UnitOfWork> Job for Waiting<U> {
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            if !self.claim() {
                return Ran::Keep(Vec::new());
            }
            let mut txn = Txn::new(conn);
            let result = self.unit.run(&mut txn).await;
            let ran = match &result {
                Ok(_) => Ran::Keep(txn.into_events()),
                Err(error) if error.is_unavailable() => Ran::Abort(error.clone()),
                Err(_) => Ran::Undo,
            };
            self.result = Some(result);
            ran
        })
    }

    fn answer(self: Box<Self>, commit: &Result<(), StoreError>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(crate::error::Busy::WriterStopped.into()),
            (Err(error), _) => Err(error.clone()),
        };
        // The caller may have gone; then nobody needs the answer.
        let _ = self.caller.send(result);
    }
}
