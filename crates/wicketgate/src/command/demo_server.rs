//! `wicketgate demo-server`: the demo's MCP server alone.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::runtime;
use crate::cli::DemoServer;
use crate::output;

/// Serves until a signal ends it.
pub(super) fn run(options: &DemoServer) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        options.listen.ip().is_loopback(),
        "the demo server believes identity headers, so --listen must be a loopback address"
    );
    runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener = TcpListener::bind(options.listen).await.context("cannot listen")?;
        let stop = CancellationToken::new();
        let address = listener.local_addr()?;
        output::note(format!("listening on http://{address}/mcp"));
        let serving = serve(listener, None, stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            done = &mut serving => done?,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        Ok(ExitCode::SUCCESS)
    })
}

/// Serves the demo's MCP server on a listener until `stop`.
pub(super) async fn serve(
    listener: TcpListener,
    shared_secret: Option<String>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let router = ::demo::router(
        ::demo::DemoConfig { shared_secret, seating: ::demo::Seating::ByUserType },
        stop.clone(),
    );
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("the demo server ended")
}
