//! What of the whole is to be measured.

/// The goals and tables that were named, as scripts/bench.sh knows them; everything, if none was.
pub(crate) struct Selection(Vec<String>);

impl Selection {
    pub(crate) fn of(names: &[String]) -> Self {
        Self(names.to_vec())
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
    fn what_is_named_is_wanted_and_nothing_else() {
        let some = Selection::of(&["G1".to_owned(), "rate".to_owned()]);
        assert!(some.wants(&["G4", "G1"]) && some.wants(&["rate"]));
        assert!(!some.wants(&["G10"]) && !some.is_everything());
        assert!(Selection::of(&[]).wants(&["G10"]));
    }
}
