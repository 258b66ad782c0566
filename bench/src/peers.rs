//! The same call through another gateway that checks tokens: the crate `mcp-proxy`.
//!
//! It accepts only tokens for its own address without a path, which our authorization server does
//! not issue, so oidc-provider does. Both kinds are ES256 JWTs.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context as _;

use crate::ask::{Ask, What};
use crate::asker::Script;
use crate::cli;
use crate::figures::Figures;
use crate::lane::{Lane, Place};
use crate::load::{Worker as _, measure};
use crate::markdown::{cells, thousands};
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use crate::rows::CALL;

/// The peer puts the name of the upstream before the name of the tool.
const PEER_CALL: Ask = Ask::in_session(What::Call("bench/find_records"));
const CONNECTIONS: [u32; 3] = [1, 16, 64];

/// Measures the three lanes, interleaved, and prints a table.
pub(crate) async fn peers(options: &cli::Peers) -> anyhow::Result<()> {
    let span = options.pace.span();
    let lanes = lanes(options).await?;
    let [nginx, ours, peer] = &lanes;
    let scripts: [Script; 3] =
        [nginx.prepare(CALL).await?, ours.prepare(CALL).await?, peer.prepare(PEER_CALL).await?];
    let mut results: [[Vec<Figures>; 3]; 3] = Default::default();
    for round in 1..=options.pace.rounds {
        eprintln!("bench: round {round} of {}", options.pace.rounds);
        for (connections, results) in CONNECTIONS.into_iter().zip(&mut results) {
            for ((lane, script), rounds) in lanes.iter().zip(&scripts).zip(results) {
                let askers = script.askers(connections).await?;
                let (sample, _) = measure(askers, &lane.watched, span).await?;
                rounds.push(Figures::of(&sample));
            }
        }
    }
    let report = report(&lanes, &results)?;
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

async fn lanes(options: &cli::Peers) -> anyhow::Result<[Lane; 3]> {
    let mut person = Person::at(options.gateway.wicketgate).await?;
    let ours = Lane::with_tokens_of(
        &mut person,
        options.gateway.wicketgate,
        options.gateway.wicketgate_pid,
    )
    .await?;
    let mut peer = Lane::open("mcp-proxy", options.peer, options.peer_pid)?;
    peer.few = Place { path: "/", token: Some(token_for_peer(options).await?) };
    Ok([Lane::open("nginx", options.proxy.nginx, options.proxy.nginx_pid)?, ours, peer])
}

async fn token_for_peer(options: &cli::Peers) -> anyhow::Result<String> {
    let provider = Server {
        address: options.provider,
        watched: Family::of(options.provider_pid)?,
        client_id: "bench".to_owned(),
    };
    let refresh_tokens = provider.seed("refresh", 1).await?;
    let mut refreshers = provider.refreshers(refresh_tokens).await?;
    let refresher = refreshers.first_mut().context("no refresh token")?;
    refresher.once().await?;
    refresher.newest().context("no access token")
}

fn report(lanes: &[Lane; 3], results: &[[Vec<Figures>; 3]; 3]) -> anyhow::Result<String> {
    let mut text = String::from(
        "### Beside mcp-proxy\n\n\
         | c | Through | req/s | p50 µs | p99 µs | CPU µs per request | × nginx |\n\
         |---:|---|---:|---:|---:|---:|---:|\n",
    );
    for (connections, results) in CONNECTIONS.into_iter().zip(results) {
        let reference = Figures::medians(&results[0]).rate;
        for (lane, rounds) in lanes.iter().zip(results) {
            let cells = cells(Figures::medians(rounds), reference);
            writeln!(text, "| {connections} | {} | {cells} |", lane.name)?;
        }
    }
    text.push_str("\nMemory after all of it:");
    for lane in lanes {
        let resident = f64::from(lane.watched.resident()?) / 1024.0;
        write!(text, " {} {} MiB;", lane.name, thousands(resident))?;
    }
    text.pop();
    text.push_str(".\n");
    Ok(text)
}
