//! The same call at a fixed rate, below saturation, in each lane.

use crate::cli;
use crate::figures::Figures;
use crate::lanes::Lanes;
use crate::paced::{in_turn, measure as measure_paced};
use crate::rows::CALL;

/// Connections, which take turns.
pub(crate) const CONNECTIONS: u32 = 64;
/// Calls in a second.
pub(crate) const RATE: f64 = 5000.0;
/// Of one call in a thousand something can be said when there were some thousands.
const SPANS: u32 = 2;

/// A lane's name, and its medians.
pub(crate) type Steady = Vec<(&'static str, Figures)>;

pub(crate) async fn measure(options: &cli::Run, lanes: &Lanes) -> anyhow::Result<Steady> {
    let lanes = lanes.all();
    let mut scripts = Vec::new();
    for lane in lanes {
        scripts.push(lane.prepare(CALL).await?);
    }
    let span = options.pace.span().times(SPANS);
    let mut rounds: [Vec<Figures>; 4] = Default::default();
    for _ in 0..options.pace.rounds {
        for ((lane, script), rounds) in lanes.into_iter().zip(&scripts).zip(&mut rounds) {
            let askers = script.askers(CONNECTIONS).await?;
            let beats = in_turn(CONNECTIONS, RATE);
            let sample = measure_paced(askers, beats, &lane.watched, span).await?;
            rounds.push(Figures::of(&sample));
        }
    }
    let medians = rounds.iter().map(|rounds| Figures::medians(rounds));
    Ok(lanes.into_iter().map(|lane| lane.name).zip(medians).collect())
}
