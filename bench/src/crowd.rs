//! Idle subscribers: what a stream that only stands costs in memory.
//!
//! A principal may hold ten streams at a server, so a thousand streams need a hundred people, each
//! with a client. A gateway of its own serves them: in one that has worked before, memory
//! that was freed and kept would hide what they take.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

use crate::cli;
use crate::eras::{LEGACY, MODERN};
use crate::lane::Lane;
use crate::person::Person;
use crate::process::Family;
use crate::run::note;
use crate::standing::Standing;
use crate::start::Site;
use crate::subscriber::{self, Interest};

/// What one number of streams took.
pub(crate) struct Crowd {
    /// The generation of the server; the clients are modern.
    pub(crate) server: &'static str,
    pub(crate) streams: u32,
    /// KiB of resident memory for each stream.
    pub(crate) each: f64,
    /// MiB of resident memory with all of them.
    pub(crate) with_all: f64,
}

/// Streams that one principal may hold at one server, by default.
const PER_PRINCIPAL: u32 = 10;
/// Files that a process needs beside its streams.
const OTHER_FILES: u32 = 400;
/// No stream takes so long to open, however many there are.
const TOO_LONG: Duration = Duration::from_secs(20);
/// Until memory is what it will be.
const SETTLING: Duration = Duration::from_millis(500);

/// Every number of streams, with a server of the same generation and with an older one.
pub(crate) async fn crowds(options: &cli::Run) -> anyhow::Result<Vec<Crowd>> {
    let mut crowds = Vec::new();
    // Where the bytes pass, every stream has a connection on either side, and a gateway accepts no
    // more than half of its files.
    let most = options.open_files.saturating_sub(OTHER_FILES) / 2;
    for (server, path) in [(MODERN, "/mcp/modern"), (LEGACY, "/mcp/legacy")] {
        let counts = options.crowds.iter().map(|count| *count.min(&most)).collect();
        crowds.extend(at(options, server, path, counts).await?);
    }
    Ok(crowds)
}

async fn at(
    options: &cli::Run,
    server: &'static str,
    path: &'static str,
    counts: Vec<u32>,
) -> anyhow::Result<Vec<Crowd>> {
    let site = Site::of(options, "starting")?;
    let gateway = site.start().await?;
    let watched = Family::of(gateway.pid())?;
    let most = counts.iter().copied().max().unwrap_or_default();
    let lanes = lanes(site.address, &watched, path, most).await?;
    let (mut open, mut crowds): (Vec<Standing>, _) = (Vec::new(), Vec::new());
    let before = watched.resident()?;
    for streams in counts {
        open_up_to(&mut open, streams, &lanes).await?;
        tokio::time::sleep(SETTLING).await;
        let resident = watched.resident()?;
        open.iter_mut().try_for_each(Standing::is_idle)?;
        let each = f64::from(resident.saturating_sub(before)) / f64::from(streams);
        crowds.push(Crowd { server, streams, each, with_all: f64::from(resident) / 1024.0 });
    }
    Ok(crowds)
}

/// Opens subscribers at a running gateway and holds them, for a profiler to watch.
pub(crate) async fn hold(options: &cli::Crowd) -> anyhow::Result<()> {
    let watched = Family::of(options.gateway.wicketgate_pid)?;
    let path = if options.legacy { "/mcp/legacy" } else { "/mcp/modern" };
    let lanes = lanes(options.gateway.wicketgate, &watched, path, options.streams).await?;
    let mut open = Vec::new();
    let before = watched.resident()?;
    open_up_to(&mut open, options.streams, &lanes).await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    open.iter_mut().try_for_each(Standing::is_idle)?;
    let more = watched.resident()?.saturating_sub(before);
    note(&format!("{} KiB more for {} streams", more, options.streams));
    Ok(())
}

async fn open_up_to(open: &mut Vec<Standing>, streams: u32, lanes: &[Lane]) -> anyhow::Result<()> {
    while open.len() < streams as usize {
        let lane = &lanes[open.len() / PER_PRINCIPAL as usize];
        let opening = subscriber::listen(lane, &lane.few, Interest::Lists);
        let opened = timeout(TOO_LONG, opening).await.map_err(Into::into).flatten();
        open.push(opened.with_context(|| format!("stream {} of {streams}", open.len() + 1))?);
    }
    Ok(())
}

/// A person with a client for each principal that so many streams need.
async fn lanes(
    address: SocketAddr,
    watched: &Family,
    path: &'static str,
    streams: u32,
) -> anyhow::Result<Vec<Lane>> {
    let mut lanes = Vec::new();
    for _ in 0..streams.div_ceil(PER_PRINCIPAL) {
        let mut person = Person::at(address).await?;
        let (lane, _) = Lane::to_server(&mut person, address, watched, path).await?;
        lanes.push(lane);
    }
    Ok(lanes)
}
