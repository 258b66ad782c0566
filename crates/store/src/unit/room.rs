//! How much of what anybody can begin may be open at once.

/// Room for what anybody can begin without signing in.
///
/// On PostgreSQL those who begin at the same moment may pass it by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// So many may be open.
    pub(super) most: i64,
    /// So many if the network that asks has only a few of them: whoever fills the rest from a few
    /// networks takes nothing from the others.
    pub(super) most_for_others: i64,
}

/// A network that has fewer open than this may use what is reserved.
pub(super) const FEW: i64 = 30;

impl Room {
    /// Room for so many, and a tenth more for networks that have few open.
    pub const fn of(most: i64) -> Self {
        Self { most, most_for_others: most.saturating_add(most / 10) }
    }
}
