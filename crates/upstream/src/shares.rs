//! Bounds on what is held for somebody: so much of it in all, so much for one person, so much for
//! one person through one client.
//!
//! The person comes first. Clients register themselves, so whoever wants more of something could
//! have more clients; and no person takes everything, because a part is kept for the others.

use std::collections::HashMap;

/// Whose something is: digests that say nothing themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    /// One person through one client.
    pub principal: [u8; 32],
    /// The same person through any client.
    pub person: [u8; 32],
}

/// How much of something there is, and how much of that is for whom.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// In all.
    pub total: usize,
    /// For one person through one client.
    pub of_principal: usize,
}

/// How much of something each has now.
#[derive(Debug, Default)]
pub struct Counts {
    all: usize,
    principals: HashMap<[u8; 32], usize>,
    persons: HashMap<[u8; 32], usize>,
}

impl Shares {
    /// What one person may have: as much as through two clients, and never what is kept for the
    /// others, a quarter of everything.
    fn of_person(self) -> usize {
        let reserve = (self.total / 4).max(1);
        (2 * self.of_principal).min(self.total.saturating_sub(reserve)).max(1)
    }

    /// Whether there is room for one more, beside what is held.
    pub(crate) fn have_room(self, held: impl Iterator<Item = Whose>, whose: Whose) -> bool {
        let (all, of_principal, of_person) = whose.among(held);
        self.allow(all + 1, of_principal + 1, of_person + 1)
    }

    /// Whether this person's own share has room for one more, whatever the others hold.
    pub(crate) fn have_own_room(self, held: impl Iterator<Item = Whose>, whose: Whose) -> bool {
        let (_, of_principal, of_person) = whose.among(held);
        self.allow(1, of_principal + 1, of_person + 1)
    }

    /// Whether so much may be held.
    fn allow(self, all: usize, of_principal: usize, of_person: usize) -> bool {
        all <= self.total && of_principal <= self.of_principal && of_person <= self.of_person()
    }
}

impl Whose {
    /// How many there are, of this principal, and of this person.
    fn among(self, held: impl Iterator<Item = Self>) -> (usize, usize, usize) {
        let (mut all, mut of_principal, mut of_person) = (0, 0, 0);
        for other in held {
            all += 1;
            of_principal += usize::from(other.principal == self.principal);
            of_person += usize::from(other.person == self.person);
        }
        (all, of_principal, of_person)
    }
}

impl Counts {
    /// Counts one more, if there is room.
    pub fn take(&mut self, shares: Shares, whose: Whose) -> bool {
        self.take_some(shares, whose, 1)
    }

    /// Counts so many more, if there is room for all of them.
    pub fn take_some(&mut self, shares: Shares, whose: Whose, some: usize) -> bool {
        let count = |counts: &HashMap<[u8; 32], usize>, key| counts.get(key).copied().unwrap_or(0);
        let of_principal = count(&self.principals, &whose.principal) + some;
        let of_person = count(&self.persons, &whose.person) + some;
        if !shares.allow(self.all + some, of_principal, of_person) {
            return false;
        }
        self.all += some;
        self.principals.insert(whose.principal, of_principal);
        self.persons.insert(whose.person, of_person);
        true
    }

    /// One less.
    pub fn free(&mut self, whose: Whose) {
        self.free_some(whose, 1);
    }

    /// So many less.
    pub fn free_some(&mut self, whose: Whose, some: usize) {
        self.all = self.all.saturating_sub(some);
        let counted = [(&mut self.principals, whose.principal), (&mut self.persons, whose.person)];
        for (counts, key) in counted {
            if let Some(count) = counts.get_mut(&key) {
                *count = count.saturating_sub(some);
                if *count == 0 {
                    counts.remove(&key);
                }
            }
        }
    }

    /// How much there is of it.
    pub fn all(&self) -> usize {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A6: more clients are not more room, and somebody else always finds some.
    #[test]
    fn nobody_takes_everything_with_many_clients() {
        for total in 2..60 {
            let shares = Shares { total, of_principal: 8 };
            let (mut counts, mut held) = (Counts::default(), Vec::new());
            for client in 10..60 {
                let whose = Whose::one(1).through(client);
                assert_eq!(shares.have_room(held.iter().copied(), whose), {
                    let taken = counts.take(shares, whose);
                    held.extend(taken.then_some(whose));
                    taken
                });
            }
            assert!(counts.all() < total && counts.all() <= 16 && counts.all() > 0, "{total}");
            assert!(counts.take(shares, Whose::one(2)), "{total}: the others find room");
        }
    }

    #[test]
    fn what_is_freed_leaves_no_trace() {
        let (shares, mut counts) = (Shares { total: 100, of_principal: 2 }, Counts::default());
        assert!(counts.take(shares, Whose::one(1)) && counts.take(shares, Whose::one(1)));
        assert!(!counts.take(shares, Whose::one(1)), "enough through one client");
        assert!(counts.take(shares, Whose::one(1).through(2)));
        for whose in [Whose::one(1), Whose::one(1), Whose::one(1).through(2)] {
            counts.free(whose);
        }
        assert_eq!((counts.all(), counts.principals.len(), counts.persons.len()), (0, 0, 0));
    }
}
