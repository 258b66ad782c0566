//! The command line. `scripts/bench.sh` is the one who writes it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::load::Span;

/// Benchmarks of Wicketgate.
#[derive(Parser)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The upstream MCP server: answers without doing anything.
    Upstream(Upstream),
    /// The least that a hop which checks tokens can do.
    Hop(Hop),
    /// Measures the running servers and prints the tables.
    Run(Box<Run>),
    /// A steady mix of requests and subscriptions for a long time.
    Soak(Soak),
    /// Calls a tool through nginx, Wicketgate and the crate mcp-proxy.
    Peers(Peers),
    /// Only calls tools through Wicketgate for a while, for a profiler to watch.
    Load(Load),
    /// Only holds idle subscribers, for a profiler to watch.
    Crowd(Crowd),
}

/// Wicketgate, with the configuration that scripts/bench.sh writes.
#[derive(Args)]
pub(crate) struct Gateway {
    /// Wicketgate in front of the upstream.
    #[arg(long)]
    pub(crate) wicketgate: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) wicketgate_pid: u32,
}

/// nginx in front of the same server.
#[derive(Args)]
pub(crate) struct Nginx {
    /// nginx in front of the upstream.
    #[arg(long)]
    pub(crate) nginx: SocketAddr,
    /// nginx's first process.
    #[arg(long)]
    pub(crate) nginx_pid: u32,
}

/// How much is measured.
#[derive(Args)]
pub(crate) struct Pace {
    /// Interleaved rounds; the tables show medians.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// Milliseconds of one measurement.
    #[arg(long, default_value_t = 1500)]
    span: u64,
}

impl Pace {
    /// How long one measurement takes.
    pub(crate) fn span(&self) -> Span {
        let measured = Duration::from_millis(self.span);
        Span { warm_up: measured / 8, measured }
    }
}

#[derive(Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    /// Connections.
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: u32,
    /// Calls the tool with the large answer.
    #[arg(long)]
    pub(crate) large: bool,
    /// Seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
}

#[derive(Args)]
pub(crate) struct Crowd {
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    /// At a server of 2025-11-25.
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Subscribers, each with a stream.
    #[arg(long, default_value_t = 1000)]
    pub(crate) streams: u32,
    /// Seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
}

#[derive(Args)]
pub(crate) struct Soak {
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    /// Seconds.
    #[arg(long, default_value_t = 600)]
    pub(crate) seconds: u32,
    /// Requests in a second, of all clients together.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rate: u32,
}

#[derive(Args)]
pub(crate) struct Peers {
    #[command(flatten)]
    pub(crate) proxy: Nginx,
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    /// oidc-provider, whose tokens mcp-proxy accepts.
    #[arg(long)]
    pub(crate) provider: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) provider_pid: u32,
    /// mcp-proxy.
    #[arg(long)]
    pub(crate) peer: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) peer_pid: u32,
    #[command(flatten)]
    pub(crate) pace: Pace,
}

#[derive(Args)]
pub(crate) struct Upstream {
    /// The port on loopback.
    #[arg(long)]
    pub(crate) port: u16,
}

#[derive(Args)]
pub(crate) struct Hop {
    /// The port on loopback.
    #[arg(long)]
    pub(crate) port: u16,
    /// The server behind it.
    #[arg(long)]
    pub(crate) upstream: SocketAddr,
    /// Wicketgate, whose tokens it accepts.
    #[arg(long)]
    pub(crate) issuer: SocketAddr,
}

#[derive(Args)]
pub(crate) struct Run {
    /// The upstream MCP server.
    #[arg(long)]
    pub(crate) upstream: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) upstream_pid: u32,
    #[command(flatten)]
    pub(crate) proxy: Nginx,
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    /// The reference hop.
    #[arg(long)]
    pub(crate) hop: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) hop_pid: u32,
    /// oidc-provider.
    #[arg(long)]
    pub(crate) provider: SocketAddr,
    /// Its process.
    #[arg(long)]
    pub(crate) provider_pid: u32,
    /// Wicketgate's executable, to be started again and again.
    #[arg(long)]
    pub(crate) binary: PathBuf,
    /// The same with SAML, of which only the size counts.
    #[arg(long)]
    pub(crate) saml_binary: Option<PathBuf>,
    /// The folder with the configurations for these starts, as bench/servers.sh writes them.
    #[arg(long)]
    pub(crate) work: PathBuf,
    /// NAME=ADDRESS of each of them.
    #[arg(long = "site", value_parser = name_and_address)]
    pub(crate) sites: Vec<(String, SocketAddr)>,
    /// How many idle subscribers to measure with, in ascending order.
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 10_000])]
    pub(crate) crowds: Vec<u32>,
    /// Files that each process may open; fewer subscribers are measured if it is not enough.
    #[arg(long)]
    pub(crate) open_files: u32,
    /// Refresh tokens in the larger table.
    #[arg(long, default_value_t = 5_000_000)]
    pub(crate) table_rows: u32,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// What to measure: goals by their id (G1), and the tables rate, uneven, parts and allocations.
    /// Everything, if none is named.
    pub(crate) only: Vec<String>,
}

fn name_and_address(text: &str) -> anyhow::Result<(String, SocketAddr)> {
    let (name, address) = text.split_once('=').context("it is not NAME=ADDRESS")?;
    Ok((name.to_owned(), address.parse()?))
}
