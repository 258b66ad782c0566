//! What is measured, in rounds: each round measures every row, and in each row every lane right
//! after the other, so that slow and fast minutes of the machine meet all of them.

use std::collections::BTreeMap;

use crate::ask::{Ask, What};
use crate::cli;
use crate::figures::Figures;
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::load;
use crate::selection::Selection;
use crate::tool;

/// One row: a request at some number of connections.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Its heading in the tables.
    pub(crate) title: &'static str,
    pub(crate) ask: Ask,
    pub(crate) connections: u32,
    /// For which goals it is needed.
    goals: &'static [&'static str],
}

const fn row(
    title: &'static str,
    ask: Ask,
    connections: u32,
    goals: &'static [&'static str],
) -> Row {
    Row { title, ask, connections, goals }
}

/// `tools/call` with a small answer, as in G1 to G4.
pub(crate) const CALL: Ask = Ask::in_session(What::Call(tool::SMALL));
/// The same in the other era, as in G9 and G10.
pub(crate) const STATELESS_CALL: Ask = Ask::stateless(What::Call(tool::SMALL));
/// `tools/list` with few tools (G5).
pub(crate) const LIST: Ask = Ask::in_session(What::List);
/// `tools/list` with many (G6).
pub(crate) const BIG_LIST: Ask = Ask::in_session(What::BigList);
/// A stream of progress events (G7).
pub(crate) const PROGRESS: Ask = Ask::in_session(What::Call(tool::PROGRESS));
/// The same, slow enough to see whether events are held back.
pub(crate) const SLOW: Ask = Ask::in_session(What::Call(tool::SLOW));
/// A large answer (G8).
pub(crate) const LARGE: Ask = Ask::in_session(What::Call(tool::LARGE));

/// The largest answer (G12).
pub(crate) const HUGE: Ask = Ask::in_session(What::Call(tool::HUGE));

/// The rows.
pub(crate) const ROWS: [Row; 8] = [
    row("`tools/call`, 200-byte answer", CALL, 1, &["G3"]),
    row("`tools/call`, 200-byte answer", CALL, 16, &["G1", "G2", "G4", "G10"]),
    row("`tools/call`, 200-byte answer", CALL, 64, &["G1"]),
    row("the same, stateless 2026-07-28", STATELESS_CALL, 16, &["G10"]),
    row("`tools/list`, 20 tools", LIST, 16, &["G5"]),
    row("`tools/list`, 1,000 tools", BIG_LIST, 16, &["G6"]),
    row("10 progress events, then the answer", PROGRESS, 16, &["G7"]),
    row("`tools/call`, 100 KB answer", LARGE, 16, &["G8"]),
];

/// The figures of one row in one lane, a round each.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<(usize, &'static str), Vec<Figures>>);

impl Results {
    fn add(&mut self, row: usize, lane: &'static str, figures: Figures) {
        self.0.entry((row, lane)).or_default().push(figures);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The medians of a row in a lane, if that takes part in it.
    pub(crate) fn medians(&self, row: usize, lane: &'static str) -> Option<Figures> {
        self.0.get(&(row, lane)).map(|rounds| Figures::medians(rounds))
    }
}

impl Row {
    /// Those that are measured in it, in the order of the tables.
    fn lanes<'l>(&self, lanes: &'l Lanes) -> Vec<&'l Lane> {
        if self.ask == CALL { lanes.all().to_vec() } else { lanes.main().to_vec() }
    }
}

/// Every row that was chosen, in all rounds.
pub(crate) async fn measure(
    options: &cli::Run,
    selection: &Selection,
    lanes: &Lanes,
) -> anyhow::Result<Results> {
    let mut chosen = Vec::new();
    for (number, row) in ROWS.iter().enumerate().filter(|(_, row)| selection.wants(row.goals)) {
        for lane in row.lanes(lanes) {
            chosen.push((number, row.connections, lane, lane.prepare(row.ask).await?));
        }
    }
    let mut results = Results::default();
    for _ in 0..options.pace.rounds {
        for (number, connections, lane, script) in &chosen {
            let askers = script.askers(*connections).await?;
            let (sample, _) = load::measure(askers, &lane.watched, options.pace.span()).await?;
            results.add(*number, lane.name, Figures::of(&sample));
        }
    }
    Ok(results)
}
