//! What each part of the gateway costs: the same call while one of them is off.

use crate::cli;
use crate::figures::Figures;
use crate::load;
use crate::own_gateway::OwnGateway;
use crate::rows::CALL;

/// Connections of each row.
pub(crate) const CONNECTIONS: u32 = 16;

/// What is off, by which key, and the site that is configured so.
pub(crate) const PARTS: [(&str, &str); 5] = [
    ("nothing", "everything"),
    ("access log (`mcp.diagnostic_log_level = \"WARN\"`)", "without-log"),
    ("record of allowed calls (`mcp.audit_calls = false`)", "without-record"),
    ("metrics (`telemetry.metrics_listen = \"\"`)", "without-metrics"),
    ("all three", "bare"),
];

/// The medians, in the order of [`PARTS`].
pub(crate) type SwitchedOff = [Figures; PARTS.len()];

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<SwitchedOff> {
    let (mut gateways, mut scripts) = (Vec::new(), Vec::new());
    for (_, site) in PARTS {
        let gateway = OwnGateway::start(options, site).await?;
        scripts.push(gateway.lane.prepare(CALL).await?);
        gateways.push(gateway);
    }
    let mut rounds: [Vec<Figures>; PARTS.len()] = Default::default();
    for _ in 0..options.pace.rounds {
        for ((gateway, script), rounds) in gateways.iter().zip(&scripts).zip(&mut rounds) {
            let askers = script.askers(CONNECTIONS).await?;
            let (sample, _) =
                load::measure(askers, &gateway.lane.watched, options.pace.span()).await?;
            rounds.push(Figures::of(&sample));
        }
    }
    Ok(rounds.map(|rounds| Figures::medians(&rounds)))
}
