//! A unit of work on its way through the writer.

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::conn::{Txn, UnitOfWork};
use crate::error::StoreError;

/// A unit of work whose type was forgotten, so that different ones can share a commit.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Runs the unit and keeps its outcome for later.
    fn run<'a>(&'a mut self, txn: &'a mut Txn<'_>) -> BoxFuture<'a, Ran>;

    /// Tells the caller what came of it.
    fn answer(self: Box<Self>, commit: &Result<(), StoreError>);
}

/// What is to be done with the unit's savepoint.
pub(super) enum Ran {
    /// Keep what the unit did.
    Keep,
    /// Undo it; the others in the group are not concerned.
    Undo,
    /// The database is in trouble, so the whole group fails.
    Abort(StoreError),
}

/// A unit and the one who waits for its outcome.
pub(super) struct Waiting<U: UnitOfWork> {
    unit: U,
    result: Option<Result<U::Outcome, StoreError>>,
    caller: oneshot::Sender<Result<U::Outcome, StoreError>>,
}

impl<U: UnitOfWork> Waiting<U> {
    pub(super) const fn new(
        unit: U,
        caller: oneshot::Sender<Result<U::Outcome, StoreError>>,
    ) -> Self {
        Self { unit, result: None, caller }
    }
}

impl<U: UnitOfWork> Job for Waiting<U> {
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run<'a>(&'a mut self, txn: &'a mut Txn<'_>) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let result = self.unit.run(txn).await;
            let ran = match &result {
                Ok(_) => Ran::Keep,
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
