//! The report as Markdown tables: exactly what stands in bench/README.md.

mod figures;
mod gateways;
mod tables;
mod tokens;

use std::fmt::Write as _;

use crate::goals::{Goal, Measured, Verdict};

pub(crate) use figures::{cells, thousands};

/// The whole report.
pub(crate) fn report(measured: &Measured, verdicts: &[Verdict]) -> String {
    let mut report = Report::default();
    report.goals(verdicts);
    report.requests(measured);
    report.steady(measured);
    report.eras(measured);
    report.huge(measured);
    report.fresh(measured);
    report.crowds(measured);
    report.token_endpoints(measured);
    report.table_size(measured);
    report.cleanup(measured);
    report.status_lists(measured);
    report.uneven(measured);
    report.switched_off(measured);
    report.allocations(measured);
    report.text
}

/// What is written so far.
#[derive(Default)]
struct Report {
    text: String,
}

impl Report {
    /// The start of a section with a table, whose columns are these. Those that end in a colon are
    /// numbers.
    fn table(&mut self, title: &str, columns: &[&str]) {
        let separate = if self.text.is_empty() { "" } else { "\n" };
        let names = columns.iter().map(|name| name.trim_end_matches(':'));
        let names = names.collect::<Vec<_>>().join(" | ");
        let sides = columns.iter().map(|name| if name.ends_with(':') { "---:" } else { "---" });
        let sides = sides.collect::<Vec<_>>().join("|");
        self.line(&format!("{separate}### {title}\n\n| {names} |\n|{sides}|"));
    }

    fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn goals(&mut self, verdicts: &[Verdict]) {
        self.table("Goals", &["", "Measure", "Goal:", "Measured:", ""]);
        for verdict in verdicts {
            let Verdict { id, measure, goal, measured, unit } = verdict;
            let aim = match goal {
                Goal::AtLeast(value) => format!("≥ {value}{unit}"),
                Goal::AtMost(value) => format!("≤ {value}{unit}"),
            };
            let shown = if unit.is_empty() {
                format!("{measured:.2}")
            } else {
                format!("{measured:.1}{unit}")
            };
            let line = match verdict.is_met() {
                Some(true) => format!("{shown} | met"),
                Some(false) => format!("{shown} | missed"),
                None => "– | not measured".to_owned(),
            };
            self.line(&format!("| {id} | {measure} | {aim} | {line} |"));
        }
    }
}
