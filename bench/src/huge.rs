//! Answers of 10 MB: how fast they pass, and that they pass without being held.

use crate::asker::Script;
use crate::cli;
use crate::figures::{Figures, median};
use crate::lane::Lane;
use crate::load::{self, Span};
use crate::rows::HUGE;
use crate::tool;

/// Connections of each row.
pub(crate) const CONNECTIONS: u32 = 4;

/// The request, rehearsed in every lane, and what was measured.
struct Huge {
    scripts: [Script; 3],
    rounds: [Vec<Figures>; 3],
    /// MiB at the peak above what the gateway held just before, each round.
    held: Vec<f64>,
}

/// The medians.
pub(crate) struct HugeFigures {
    /// In the order of the lanes.
    pub(crate) lanes: [Figures; 3],
    /// MiB at the peak above what the gateway held just before.
    pub(crate) held: f64,
}

pub(crate) async fn measure(options: &cli::Run, lanes: [&Lane; 3]) -> anyhow::Result<HugeFigures> {
    let mut huge = Huge::open(lanes).await?;
    for _ in 0..options.pace.rounds {
        huge.round(lanes, options.pace.span()).await?;
    }
    let lanes = std::array::from_fn(|lane| Figures::medians(&huge.rounds[lane]));
    Ok(HugeFigures { lanes, held: median(huge.held) })
}

impl Huge {
    async fn open(lanes: [&Lane; 3]) -> anyhow::Result<Self> {
        let [direct, nginx, wicketgate] = lanes;
        let scripts = [
            direct.prepare(HUGE).await?,
            nginx.prepare(HUGE).await?,
            wicketgate.prepare(HUGE).await?,
        ];
        Ok(Self { scripts, rounds: Default::default(), held: Vec::new() })
    }

    async fn round(&mut self, lanes: [&Lane; 3], span: Span) -> anyhow::Result<()> {
        let wicketgate = &lanes[2].watched;
        wicketgate.forget_peak()?;
        let before = wicketgate.resident()?;
        for ((lane, script), rounds) in lanes.into_iter().zip(&self.scripts).zip(&mut self.rounds) {
            let askers = script.askers(CONNECTIONS).await?;
            let (sample, _) = load::measure(askers, &lane.watched, span).await?;
            rounds.push(Figures::of(&sample));
        }
        let held = wicketgate.peak()?.saturating_sub(before);
        self.held.push(f64::from(held) / 1024.0);
        Ok(())
    }
}

/// Megabytes in a second at this rate of answers.
pub(crate) fn megabytes(figures: Figures) -> f64 {
    let bytes = u32::try_from(tool::HUGE_TEXT).unwrap_or(u32::MAX);
    figures.rate * f64::from(bytes) / 1e6
}
