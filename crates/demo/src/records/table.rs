//! Records of one kind, in the order in which they were made.

use super::id::{Id, Kind};
use crate::refusal::Refusal;

/// Enough for every demonstration and test, and a bound on memory.
const CAPACITY: usize = 10_000;

/// All records of a kind. Nothing is ever taken out, so a record's place follows from its id.
pub(crate) struct Table<K>(Vec<K>);

impl<K: Kind> Table<K> {
    /// A table that starts with these records.
    pub(super) fn of(records: impl IntoIterator<Item = K>) -> Self {
        Self(records.into_iter().collect())
    }

    /// Adds a record and says which id it got.
    pub(crate) fn add(&mut self, record: K) -> Result<Id<K>, Refusal> {
        self.room()?;
        self.0.push(record);
        Ok(Id::at(self.0.len() - 1))
    }

    /// Whether one more record fits. To be asked before a change that must not end half-way.
    pub(crate) fn room(&self) -> Result<(), Refusal> {
        if self.0.len() < CAPACITY { Ok(()) } else { Err(Refusal::Full(K::NOUN)) }
    }

    pub(crate) fn get(&self, id: Id<K>) -> Result<&K, Refusal> {
        id.position().and_then(|position| self.0.get(position)).ok_or_else(|| missing(id))
    }

    pub(crate) fn get_mut(&mut self, id: Id<K>) -> Result<&mut K, Refusal> {
        id.position().and_then(|position| self.0.get_mut(position)).ok_or_else(|| missing(id))
    }

    /// Every record with its id, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Id<K>, &K)> {
        self.0.iter().enumerate().map(|(position, record)| (Id::at(position), record))
    }
}

fn missing<K: Kind>(id: Id<K>) -> Refusal {
    Refusal::NotFound { noun: K::NOUN, id: id.to_string(), hint: K::HINT }
}
