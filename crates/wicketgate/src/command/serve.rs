//! `wicketgate serve`.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use kernel::{OsRandom, SecureRandom as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use super::reload::Reload;
use super::{logging, runtime, source};
use crate::cli::Serve;
use crate::compose::{Ambient, Running, start};
use crate::config::{self, Problem, Settings};
use crate::output;

/// Connections that wait in the kernel for their acceptance.
const WAITING_CONNECTIONS: u32 = 1024;

/// Serves until a signal ends it.
pub(super) fn run(options: &Serve) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    let (settings, advice) = (loaded.settings, loaded.advice);
    let log = logging::init(settings.mcp.log_level, settings.server.json_logs);
    for Problem { key, reason, fix, .. } in advice {
        tracing::warn!(key, fix, "worth a look: {reason}");
    }
    let json = settings.server.json_logs;
    let (started_with, settings_id) =
        (loaded.fingerprint, super::reload::settings_id(&loaded.shown));
    let reload = Reload { options, log: &log, json, started_with, settings_id };
    runtime()?.block_on(async {
        // From now on: the signal ends a process that does not wait for it.
        let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be handled")?;
        serve(settings, async |running| reload.at_each(&mut hangup, running).await).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The first random bytes of a process take tens of milliseconds, because aws-lc gathers entropy from
/// the jitter of the processor. That begins now, so that nobody waits for it later.
fn gather_entropy() {
    std::thread::spawn(|| OsRandom::new().fill(&mut [0]));
}

/// Serves `settings` until a signal ends it; `meanwhile` runs once the server listens.
pub(super) async fn serve(
    settings: Settings,
    meanwhile: impl AsyncFnOnce(&Running),
) -> anyhow::Result<()> {
    gather_entropy();
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    let (listen, json) = (settings.server.listen, settings.server.json_logs);
    let url = settings.public_url.as_str().to_owned();
    let listener = bind(listen, settings.server.reuse_port).with_context(|| {
        format!("cannot listen on {listen}; is another program using it? See server.listen")
    })?;
    let running = start(listener, settings, Ambient::system()).await?;
    say(json, &format!("listening on {url} ({})", running.address()));
    let meanwhile = async {
        meanwhile(&running).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = meanwhile => {}
    }
    say(json, "stopping: no new connections, running requests may finish");
    running.stop().await;
    say(json, "stopped");
    Ok(())
}

/// Listens on `address`, which several processes can share if each of them says that it may be so.
fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Connections of the process before may still be ending.
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(reuse_port)?;
    socket.bind(address)?;
    socket.listen(WAITING_CONNECTIONS)
}

/// Says how the process is doing: as a line for people, or as one of the log where whoever reads
/// standard error expects JSON.
pub(super) fn say(json: bool, text: &str) {
    if json { tracing::info!("{text}") } else { output::note(text) }
}

/// The same of what the operator should look at.
pub(super) fn warn(json: bool, text: &str) {
    if json { tracing::warn!("{text}") } else { output::note(text) }
}
