//! `wicketgate demo`: everything in one process on this computer.

mod greeting;
mod secrets;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;

use super::{demo_server, logging, runtime, serve};
use crate::cli::Demo;
use crate::config::{self, Role, Source};
use crate::output;

/// The configuration of the demo: an ordinary file, as a deployment would have it.
const CONFIGURATION: &str = include_str!("../../../../config/demo.toml");

/// Runs the demo until a signal ends it.
pub(super) fn run(options: &Demo) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        options.listen.ip().is_loopback(),
        "anybody can sign in as anybody in the demo, so --listen must be a loopback address"
    );
    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("cannot create the directory {}", options.data.display()))?;
    let _log = logging::init(LevelFilter::INFO, false);
    runtime()?.block_on(demo(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(options: &Demo) -> anyhow::Result<()> {
    let upstream = TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await?;
    let environment = environment(options, upstream.local_addr()?)?;
    let text = CONFIGURATION.to_owned();
    let source = Source { text, directory: options.data.clone(), environment };
    let upstream_key = source.environment.get("WICKETGATE_DEMO_UPSTREAM_KEY").cloned();
    let settings = config::load(&source, Role::All)?.settings;
    let greeting = greeting::text(settings.public_url.as_str());
    let stop = CancellationToken::new();
    let behind = tokio::spawn(demo_server::serve(upstream, upstream_key, stop.clone()));
    let served = serve::serve(settings, async |_| output::note(greeting)).await;
    stop.cancel();
    behind.abort();
    served
}

/// What differs from one run to the next, laid over the file as an operator would do it.
fn environment(options: &Demo, upstream: SocketAddr) -> anyhow::Result<BTreeMap<String, String>> {
    let database = options.data.join("wicketgate.db");
    let pairs = [
        ("WICKETGATE__PUBLIC_URL", format!("http://{}", options.listen)),
        ("WICKETGATE__SERVER__LISTEN", options.listen.to_string()),
        ("WICKETGATE__DATABASE__URL", format!("sqlite://{}", database.display())),
        ("WICKETGATE__MCP__ALLOWED_SCOPES", options.allowed_scopes.clone()),
        ("WICKETGATE_DEMO_UPSTREAM", format!("http://{upstream}/mcp")),
        ("WICKETGATE_KEY_ENCRYPTION_KEY", kept(&options.data, "key-encryption-key")?),
        ("WICKETGATE_BRIDGE_SECRET", kept(&options.data, "bridge-secret")?),
        ("WICKETGATE_DEMO_UPSTREAM_KEY", kept(&options.data, "upstream-key")?),
    ];
    Ok(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn kept(directory: &Path, name: &str) -> anyhow::Result<String> {
    secrets::kept(&directory.join(name))
}
