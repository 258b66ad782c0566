//! The revisions that legacy clients speak, oldest first.

use protocol::mcp::LEGACY_REVISIONS;

/// A legacy revision. Later ones compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Revision {
    November2024,
    March2025,
    June2025,
    November2025,
}

/// All of them, in the order of [`LEGACY_REVISIONS`].
const ALL: [Revision; LEGACY_REVISIONS.len()] =
    [Revision::November2024, Revision::March2025, Revision::June2025, Revision::November2025];

impl Revision {
    /// What `initialize` agrees on: the client's own revision if it is one of these, otherwise the
    /// latest of them, and never a modern one (D-08, D-50).
    pub(super) fn agreed(asked: &str) -> Self {
        Self::of(asked).unwrap_or(Self::November2025)
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        let place = LEGACY_REVISIONS.iter().position(|known| *known == name)?;
        ALL.get(place).copied()
    }

    pub(super) fn name(self) -> &'static str {
        LEGACY_REVISIONS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-08: known ones are echoed, others get the latest legacy one.
    #[test]
    fn d_08_never_a_modern_one() {
        for known in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            assert_eq!(Revision::agreed(known).name(), known);
        }
        for other in ["2026-07-28", "2027-01-01", "", "1.0"] {
            assert_eq!(Revision::agreed(other).name(), "2025-11-25");
        }
        assert!(Revision::March2025 < Revision::June2025);
    }
}
