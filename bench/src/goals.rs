//! What was measured, beside what was aimed for.

mod verdicts;

use std::borrow::Cow;

use crate::allocations::Allocations;
use crate::ask::Ask;
use crate::cleanup::Cleanup;
use crate::crowd::Crowd;
use crate::figures::Figures;
use crate::fresh::FreshFigures;
use crate::huge::HugeFigures;
use crate::rows::{ROWS, Results, Row};
use crate::selection::Selection;
use crate::status_list::StatusLists;
use crate::steady::Steady;
use crate::switched_off::SwitchedOff;
use crate::table_size::TableSize;
use crate::token_endpoints::Compared;
use crate::uneven::Loads;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) results: Results,
    pub(crate) steady: Option<Steady>,
    /// In the order of [`crate::eras::PAIRS`].
    pub(crate) eras: Option<[Figures; 4]>,
    pub(crate) huge: Option<HugeFigures>,
    pub(crate) fresh: Option<FreshFigures>,
    pub(crate) machine: Option<Compared<Figures>>,
    pub(crate) rotation: Option<Compared<Figures>>,
    pub(crate) exchange: Option<Compared<Figures>>,
    pub(crate) introspection: Option<Compared<Figures>>,
    pub(crate) table_size: Option<TableSize>,
    pub(crate) cleanup: Option<Cleanup>,
    pub(crate) status_lists: Option<StatusLists>,
    pub(crate) uneven: Vec<Loads>,
    pub(crate) switched_off: Option<SwitchedOff>,
    pub(crate) allocations: Option<Allocations>,
    pub(crate) crowds: Vec<Crowd>,
    /// Milliseconds to the first answer: new database, existing one.
    pub(crate) starts: Option<[f64; 2]>,
    /// Resident memory before everything and after it.
    pub(crate) idle_kib: Option<u32>,
    pub(crate) after_kib: Option<u32>,
    pub(crate) binary_bytes: Option<u64>,
    pub(crate) saml_binary_bytes: Option<u64>,
}

/// One goal, with what was measured.
pub(crate) struct Verdict {
    pub(crate) id: &'static str,
    pub(crate) measure: Cow<'static, str>,
    pub(crate) goal: Goal,
    /// As it is shown: whoever reads the table comes to the same verdict.
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
}

/// Which way is better.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Verdict {
    /// `None` if it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let met = match self.goal {
            Goal::AtLeast(goal) => self.measured >= goal,
            Goal::AtMost(goal) => self.measured <= goal,
        };
        self.measured.is_finite().then_some(met)
    }
}

impl Measured {
    /// The medians of a row; not numbers if it was not measured.
    pub(crate) fn row(&self, ask: Ask, connections: u32, lane: &'static str) -> Figures {
        let same = |row: &Row| row.ask == ask && row.connections == connections;
        let row = ROWS.iter().position(same).unwrap_or(ROWS.len());
        self.results.medians(row, lane).unwrap_or(Figures::NONE)
    }
}

/// The goals that were chosen.
pub(crate) fn verdicts(measured: &Measured, selection: &Selection) -> Vec<Verdict> {
    let mut verdicts = verdicts::all(measured);
    verdicts.retain(|verdict| selection.wants(&[verdict.id]));
    verdicts
}
