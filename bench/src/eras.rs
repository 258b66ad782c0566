//! What it costs when client and server are of different generations: the same call in all four
//! combinations, one right after the other.

use crate::ask::{Ask, Era};
use crate::asker::Script;
use crate::cli;
use crate::figures::Figures;
use crate::lane::Lane;
use crate::load::{self, Span};
use crate::person::Person;
use crate::process::Family;
use crate::rows::{CALL, STATELESS_CALL};

/// Connections of each row.
pub(crate) const CONNECTIONS: u32 = 16;

/// One combination.
pub(crate) struct Pair {
    pub(crate) client: &'static str,
    pub(crate) server: &'static str,
    ask: Ask,
    path: &'static str,
    /// Where the same client's own generation is in [`PAIRS`].
    pub(crate) same: usize,
}

/// The stateless generation.
pub(crate) const MODERN: &str = "2026-07-28";
/// The generation before, in sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

const fn pair(ask: Ask, path: &'static str, server: &'static str, same: usize) -> Pair {
    let client = match ask.era {
        Era::Stateless => MODERN,
        Era::Sessions => LEGACY,
    };
    Pair { client, server, ask, path, same }
}

/// All of them; those of one generation first.
pub(crate) const PAIRS: [Pair; 4] = [
    pair(STATELESS_CALL, "/mcp/modern", MODERN, 0),
    pair(CALL, "/mcp/legacy", LEGACY, 1),
    pair(STATELESS_CALL, "/mcp/legacy", LEGACY, 0),
    pair(CALL, "/mcp/modern", MODERN, 1),
];

/// Where a modern client meets a legacy server, and the other way round.
pub(crate) const ACROSS: [usize; 2] = [2, 3];

/// The requests, rehearsed, and what was measured.
struct Eras {
    watched: Family,
    scripts: Vec<Script>,
    rounds: [Vec<Figures>; 4],
}

/// The medians, in the order of [`PAIRS`].
pub(crate) async fn measure(
    options: &cli::Run,
    person: &mut Person,
    wicketgate: &Lane,
) -> anyhow::Result<[Figures; 4]> {
    let mut eras = Eras::open(person, wicketgate).await?;
    for _ in 0..options.pace.rounds {
        eras.round(options.pace.span()).await?;
    }
    Ok(std::array::from_fn(|pair| Figures::medians(&eras.rounds[pair])))
}

impl Eras {
    async fn open(person: &mut Person, wicketgate: &Lane) -> anyhow::Result<Self> {
        let Lane { address, watched, .. } = wicketgate;
        let mut scripts = Vec::new();
        for pair in PAIRS {
            let (lane, _) = Lane::to_server(person, *address, watched, pair.path).await?;
            scripts.push(lane.prepare(pair.ask).await?);
        }
        Ok(Self { watched: watched.clone(), scripts, rounds: Default::default() })
    }

    async fn round(&mut self, span: Span) -> anyhow::Result<()> {
        for (script, rounds) in self.scripts.iter().zip(&mut self.rounds) {
            let askers = script.askers(CONNECTIONS).await?;
            let (sample, _) = load::measure(askers, &self.watched, span).await?;
            rounds.push(Figures::of(&sample));
        }
        Ok(())
    }
}
