//! What of the whole is to be measured.

use anyhow::ensure;

/// The names that there are: goals of the design by their ids, and tables that belong to no goal of
/// that list.
const NAMES: [&str; 25] = [
    "G1",
    "G2",
    "G3",
    "G4",
    "G5",
    "G6",
    "G7",
    "G8",
    "G9",
    "G10",
    "G11",
    "G12",
    "G13",
    "A2",
    "A3",
    "A4",
    "A5",
    "A6",
    "F1",
    "F2",
    "F3",
    "rate",
    "uneven",
    "parts",
    "allocations",
];

/// The goals and tables that were named; everything, if none was.
pub(crate) struct Selection(Vec<String>);

impl Selection {
    pub(crate) fn of(names: &[String]) -> anyhow::Result<Self> {
        let unknown = names.iter().find(|name| !NAMES.contains(&name.as_str()));
        ensure!(unknown.is_none(), "there is no {unknown:?} among {NAMES:?}");
        Ok(Self(names.to_vec()))
    }

    /// Whether any of these is to be measured.
    pub(crate) fn wants(&self, names: &[&str]) -> bool {
        self.is_everything() || self.0.iter().any(|name| names.contains(&name.as_str()))
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_wanted_and_nothing_else() -> anyhow::Result<()> {
        let some = Selection::of(&["G1".to_owned(), "rate".to_owned()])?;
        assert!(some.wants(&["G4", "G1"]) && some.wants(&["rate"]));
        assert!(!some.wants(&["G10"]) && !some.is_everything());
        assert!(Selection::of(&[])?.wants(&["G10"]));
        assert!(Selection::of(&["G14".to_owned()]).is_err());
        Ok(())
    }
}
