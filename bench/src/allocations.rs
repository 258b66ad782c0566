//! How often one call takes memory from the allocator, all threads of the gateway together.
//!
//! bench/allocations.c is loaded into the gateway and counts in a file. What N more calls count
//! when N went before is divided by N, so that connecting is not in it.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::ask::Ask;
use crate::cli;
use crate::load::Worker as _;
use crate::own_gateway::OwnGateway;
use crate::rows::{CALL, STATELESS_CALL};
use crate::start::Site;

/// What is called, and the site.
pub(crate) const CASES: [(&str, Ask, &str); 3] = [
    ("2025-11-25, everything on", CALL, "everything"),
    ("2026-07-28, everything on", STATELESS_CALL, "everything"),
    ("2025-11-25, no log, record and metrics", CALL, "bare"),
];

/// Calls that are counted, after as many that fill caches and buffers.
const CALLS: u32 = 5000;

/// Allocations for each call, in the order of [`CASES`].
pub(crate) type Allocations = [f64; CASES.len()];

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<Allocations> {
    let mut allocations = Allocations::default();
    for ((_, ask, site), each) in CASES.iter().zip(&mut allocations) {
        *each = of(options, site, *ask).await?;
    }
    Ok(allocations)
}

async fn of(options: &cli::Run, name: &str, ask: Ask) -> anyhow::Result<f64> {
    let counter = Counter { file: options.work.join(format!("{name}.allocations")) };
    let mut site = Site::of(options, name)?;
    site.environment = vec![
        ("LD_PRELOAD", options.work.join("allocations.so")),
        ("BENCH_ALLOCATIONS", counter.file.clone()),
    ];
    let gateway = OwnGateway::at(&site).await?;
    let mut asker = gateway.lane.prepare(ask).await?.asker().await?;
    let mut counts = [0; 3];
    for count in &mut counts {
        for _ in 0..CALLS {
            asker.once().await?;
        }
        *count = counter.read()?;
    }
    let [_, before, after] = counts;
    let taken = u32::try_from(after.saturating_sub(before)).context("too many to count")?;
    anyhow::ensure!(taken > 0, "the gateway does not take its memory from malloc");
    Ok(f64::from(taken) / f64::from(CALLS))
}

struct Counter {
    file: PathBuf,
}

impl Counter {
    fn read(&self) -> anyhow::Result<u64> {
        let bytes = std::fs::read(&self.file).context("allocations were not counted")?;
        let count = bytes.first_chunk().context("a counter that is too short")?;
        Ok(u64::from_ne_bytes(*count))
    }
}
