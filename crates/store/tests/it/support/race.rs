//! Many tasks doing the same at the same moment.

use std::sync::Arc;

use store::{Store, StoreError, UnitOfWork};
use tokio::sync::Barrier;

use super::Database;

/// Tasks in a race.
pub(crate) const RACERS: usize = 16;

/// Runs a unit for each racer, all let go at once, every other one on the other replica. The
/// outcomes come in the order of the racers.
pub(crate) async fn race<U: UnitOfWork>(
    database: &Database,
    unit: impl Fn(usize) -> U,
) -> Vec<U::Outcome> {
    let units = (0..RACERS).map(unit).collect();
    let outcomes = race_units(database, units).await;
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// As [`race`], with the units as they are and errors left to the caller.
pub(crate) async fn race_units<U: UnitOfWork>(
    database: &Database,
    units: Vec<U>,
) -> Vec<Result<U::Outcome, StoreError>> {
    let start = Arc::new(Barrier::new(units.len()));
    let tasks: Vec<_> = units
        .into_iter()
        .enumerate()
        .map(|(racer, unit)| {
            let store = replica_for(database, racer);
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                store.write(unit).await
            })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn replica_for(database: &Database, racer: usize) -> Store {
    if racer.is_multiple_of(2) { database.store.clone() } else { database.replica.clone() }
}
