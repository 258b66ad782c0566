//! `wicketgate serve`.

use std::convert::Infallible;
use std::process::ExitCode;

use anyhow::Context as _;
use kernel::{OsRandom, SecureRandom as _};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::{logging, runtime, source};
use crate::cli::Serve;
use crate::compose::{Ambient, start};
use crate::config::{self, Problem, Settings};
use crate::output;

/// Serves until a signal ends it.
pub(super) fn run(options: &Serve) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    let (settings, advice) = (loaded.settings, loaded.advice);
    let log = logging::init(settings.mcp.log_level, settings.server.json_logs);
    for Problem { key, reason, fix, .. } in advice {
        tracing::warn!(key, fix, "worth a look: {reason}");
    }
    let json = settings.server.json_logs;
    let reload = || match new_level(options, &log) {
        Ok(level) => say(json, &format!("mcp.diagnostic_log_level is {level} now")),
        Err(error) => say(json, &format!("mcp.diagnostic_log_level was not changed: {error:#}")),
    };
    runtime()?.block_on(async {
        tokio::select! {
            served = serve(settings, async {}) => served,
            never = on_hangup(reload) => never.map(|never| match never {}),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads how much is to be logged anew. Nothing else of the configuration changes before a restart.
fn new_level(options: &Serve, log: &logging::Log) -> anyhow::Result<LevelFilter> {
    let level = config::log_level(&source::collect(&options.config)?)?;
    log.set_level(level)?;
    Ok(level)
}

async fn on_hangup(act: impl Fn()) -> anyhow::Result<Infallible> {
    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be handled")?;
    loop {
        hangup.recv().await;
        act();
    }
}

/// The first random bytes of a process take tens of milliseconds, because aws-lc gathers entropy from
/// the jitter of the processor. That begins now, so that nobody waits for it later.
fn gather_entropy() {
    std::thread::spawn(|| OsRandom::new().fill(&mut [0]));
}

/// Serves `settings`; `greet` runs once the server listens.
pub(super) async fn serve(
    settings: Settings,
    greet: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    gather_entropy();
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    let (listen, json) = (settings.server.listen, settings.server.json_logs);
    let url = settings.public_url.as_str().to_owned();
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; is another program using it? See server.listen")
    })?;
    let running = start(listener, settings, Ambient::system()).await?;
    say(json, &format!("listening on {url} ({})", running.address()));
    greet.await;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    say(json, "stopping: no new connections, running requests may finish");
    running.stop().await;
    say(json, "stopped");
    Ok(())
}

/// Says how the process is doing: as a line for people, or as one of the log where whoever reads
/// standard error expects JSON.
fn say(json: bool, text: &str) {
    if json { tracing::info!("{text}") } else { output::note(text) }
}
