//! The soak: a fixed rate below saturation for a long time, with every answer and every event
//! checked, and an eye on memory.

mod caller;
mod listener;
mod report;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ask::Era;
use crate::cli;
use crate::lane::Lane;
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use caller::Caller;
use listener::Listener;
use report::Soaked;

/// Clients. Each combination of generations has as many as the others.
const CLIENTS: u32 = 16;

/// The generation of the client, and a server that has news.
const KINDS: [(Era, &str); 4] = [
    (Era::Stateless, "/mcp/modern-news"),
    (Era::Sessions, "/mcp/legacy-news"),
    (Era::Stateless, "/mcp/legacy-news"),
    (Era::Sessions, "/mcp/modern-news"),
];

/// What all clients count together.
#[derive(Default)]
struct Tally {
    answers: AtomicU64,
    refreshes: AtomicU64,
    events: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// What a client did besides counting: the latency of each of its requests.
type Latencies = Vec<Duration>;

/// Runs for as long as asked and prints how it went.
pub(crate) async fn soak(options: &cli::Soak) -> anyhow::Result<()> {
    let watched = Family::of(options.gateway.wicketgate_pid)?;
    let tally = Arc::new(Tally::default());
    let (stop, stopped) = watch::channel(false);
    let mut running = start(options, &watched, &tally, &stopped).await?;
    eprintln!("bench: soaking for {} seconds", options.seconds);
    let begin = Instant::now();
    let memory_kib = watch_memory(options, &watched, &mut running).await?;
    let elapsed = begin.elapsed();
    stop.send_replace(true);
    let mut latencies = Vec::new();
    while let Some(ended) = running.join_next().await {
        latencies.extend(ended??);
    }
    let answers = u32::try_from(latencies.len()).unwrap_or(u32::MAX);
    let kept = f64::from(answers) / elapsed.as_secs_f64() / f64::from(options.rate);
    ensure!(kept > 0.95, "the rate was not kept ({kept:.2} of it), so it is not below saturation");
    latencies.sort_unstable();
    let soaked = Soaked { elapsed, latencies, memory_kib, tally: &tally };
    std::io::stdout().write_all(report::markdown(&soaked).as_bytes())?;
    let lost = tally.lost.load(Ordering::Relaxed);
    ensure!(lost == 0, "{lost} events were lost");
    Ok(())
}

/// Connects every client and lets them go.
async fn start(
    options: &cli::Soak,
    watched: &Family,
    tally: &Arc<Tally>,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<JoinSet<anyhow::Result<Latencies>>> {
    let address = options.gateway.wicketgate;
    let mut person = Person::at(address).await?;
    let (mut callers, mut listeners) = (Vec::new(), Vec::new());
    for number in 0..CLIENTS {
        let (era, path) = KINDS[number as usize % KINDS.len()];
        person.take_another_client().await?;
        let (lane, tokens) = Lane::to_server(&mut person, address, watched, path).await?;
        let server =
            Server { address, watched: watched.clone(), client_id: person.client_id().to_owned() };
        let opened = Listener::open(&lane, era).await;
        listeners.push(opened.with_context(|| format!("a subscription of {era:?} at {path}"))?);
        let mut refreshers = server.refreshers(vec![tokens.refresh_token]).await?;
        let refresher = refreshers.pop().context("no refresher")?;
        callers.push(Caller::new(lane, era, refresher).await?);
    }
    let mut running = JoinSet::new();
    for listener in listeners {
        running.spawn(listener.run(Arc::clone(tally), stopped.clone()));
    }
    let pace = Duration::from_secs(1) * CLIENTS / options.rate;
    for (number, caller) in (0..).zip(callers) {
        let offset = pace * number / CLIENTS;
        running.spawn(caller.run(pace, offset, Arc::clone(tally), stopped.clone()));
    }
    Ok(running)
}

/// Resident memory each second, as long as nobody has anything to complain about.
async fn watch_memory(
    options: &cli::Soak,
    watched: &Family,
    running: &mut JoinSet<anyhow::Result<Latencies>>,
) -> anyhow::Result<Vec<u32>> {
    let mut memory_kib = Vec::new();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while memory_kib.len() < options.seconds as usize {
        tokio::select! {
            _ = seconds.tick() => memory_kib.push(watched.resident()?),
            Some(ended) = running.join_next() => {
                ended??;
                bail!("a client ended too early");
            }
        }
    }
    Ok(memory_kib)
}
