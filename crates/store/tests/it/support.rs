//! What the tests share: databases, people and clients, races, and the invariants.

pub(crate) mod database;
pub(crate) mod invariants;
pub(crate) mod race;
pub(crate) mod story;

pub(crate) use database::{Database, on_each_database};
pub(crate) use invariants::check_invariants;
pub(crate) use race::race;
pub(crate) use story::{NOW, Story};
