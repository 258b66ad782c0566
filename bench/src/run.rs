//! The whole measurement, in its order.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::cli;
use crate::figures::Figures;
use crate::goals::{self, Measured};
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::load::{self, Span};
use crate::person::Person;
use crate::process::Family;
use crate::rows::{self, CALL, LARGE};
use crate::selection::Selection;
use crate::{
    allocations, cleanup, crowd, eras, exchange, fresh, huge, introspection, machine, markdown,
    rotation, start, status_list, steady, switched_off, table_size, uneven,
};

/// Measures what is asked for and prints the tables.
pub(crate) async fn run(options: &cli::Run) -> anyhow::Result<()> {
    let selection = Selection::of(&options.only);
    let gateway = Family::of(options.gateway.wicketgate_pid)?;
    let idle_kib = gateway.resident()?;
    let mut measured = Measured::default();
    requests(options, &selection, &mut measured).await?;
    tokens(options, &selection, &mut measured).await?;
    // What comes after this leaves the measured gateway alone.
    measured.after_kib = selection.is_everything().then(|| gateway.resident()).transpose()?;
    measured.idle_kib = Some(idle_kib);
    other_gateways(options, &selection, &mut measured).await?;
    measured.binary_bytes = Some(size_of(&options.binary)?);
    measured.saml_binary_bytes = options.saml_binary.as_deref().map(size_of).transpose()?;
    let report = markdown::report(&measured, &goals::verdicts(&measured, &selection));
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

/// MCP requests through the measured gateway.
async fn requests(
    options: &cli::Run,
    selection: &Selection,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let mut person = Person::at(options.gateway.wicketgate).await?;
    let lanes = Lanes::open(options, &mut person).await?;
    lanes.check_streaming().await?;
    note("requests");
    measured.results = rows::measure(options, selection, &lanes).await?;
    if selection.wants(&["rate"]) {
        note("a fixed rate");
        measured.steady = Some(steady::measure(options, &lanes).await?);
    }
    person.reconnect().await?;
    if selection.wants(&["G11"]) {
        note("across generations");
        let eras = eras::measure(options, &mut person, &lanes.wicketgate).await?;
        measured.eras = Some(eras);
    }
    if selection.wants(&["G12"]) {
        note("10 MB answers");
        measured.huge = Some(huge::measure(options, lanes.main()).await?);
    }
    if selection.wants(&["G9"]) {
        note("new tokens");
        let fresh = fresh::measure(options, &mut person, &lanes.wicketgate).await?;
        measured.fresh = Some(fresh);
    }
    Ok(())
}

/// The token endpoints.
async fn tokens(
    options: &cli::Run,
    selection: &Selection,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    if selection.wants(&["A1"]) {
        note("client credentials");
        measured.machine = Some(machine::measure(options).await?);
    }
    if selection.wants(&["A2", "A4", "A5"]) {
        note("refresh");
        let mut person = Person::at(options.gateway.wicketgate).await?;
        measured.rotation = Some(rotation::measure(options, &mut person).await?);
    }
    if selection.wants(&["A3", "A4", "A5"]) {
        note("code exchange");
        measured.exchange = Some(exchange::measure(options).await?);
    }
    if selection.wants(&["A7"]) {
        note("introspection");
        measured.introspection = Some(introspection::measure(options).await?);
    }
    Ok(())
}

/// What needs gateways of its own.
async fn other_gateways(
    options: &cli::Run,
    selection: &Selection,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    large_tables(options, selection, measured).await?;
    if selection.wants(&["uneven"]) {
        note("uneven load");
        measured.uneven = uneven::measure(options).await?;
    }
    if selection.wants(&["parts"]) {
        note("parts switched off");
        measured.switched_off = Some(switched_off::measure(options).await?);
    }
    if selection.wants(&["allocations"]) {
        note("allocations");
        measured.allocations = Some(allocations::measure(options).await?);
    }
    if selection.wants(&["F1"]) {
        note("starts");
        measured.starts = Some(start::measure(options).await?);
    }
    if selection.wants(&["G13"]) {
        note("idle subscribers");
        measured.crowds = crowd::crowds(options).await?;
    }
    Ok(())
}

/// What takes long to fill.
async fn large_tables(
    options: &cli::Run,
    selection: &Selection,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let mut filled = None;
    if selection.wants(&["A6"]) {
        note("refresh in a large table");
        let (sizes, many) = table_size::measure(options).await?;
        (measured.table_size, filled) = (Some(sizes), Some(many));
    }
    if selection.wants(&["A9"]) {
        note("clean-up of a large table");
        let filled = match filled.take() {
            Some(filled) => filled,
            None => table_size::with_many_rows(options).await?,
        };
        measured.cleanup = Some(cleanup::measure(options, filled).await?);
    }
    // Nothing large may lie about while the next thing is measured.
    drop(filled);
    if selection.wants(&["A8"]) {
        note("status lists");
        measured.status_lists = Some(status_list::measure(options).await?);
    }
    Ok(())
}

fn size_of(binary: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(binary)?.len())
}

/// Calls tools for a while and prints how it went.
pub(crate) async fn load(options: &cli::Load) -> anyhow::Result<()> {
    let mut person = Person::at(options.gateway.wicketgate).await?;
    let lane = Lane::with_tokens_of(
        &mut person,
        options.gateway.wicketgate,
        options.gateway.wicketgate_pid,
    )
    .await?;
    let ask = if options.large { LARGE } else { CALL };
    let askers = lane.prepare(ask).await?.askers(options.connections).await?;
    let span = Span {
        warm_up: Duration::from_millis(200),
        measured: Duration::from_secs(options.seconds),
    };
    let (sample, _) = load::measure(askers, &lane.watched, span).await?;
    note(&format!("{:?}", Figures::of(&sample)));
    Ok(())
}

pub(crate) fn note(text: &str) {
    eprintln!("bench: {text}");
}
