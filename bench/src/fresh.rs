//! What a token costs that a gateway has not seen before (G9): one that the same process has issued,
//! and one of another process. For the latter a sidecar stands beside the measured gateway, whose
//! tokens it accepts.

use std::time::Duration;

use crate::cli;
use crate::figures::Figures;
use crate::lane::Lane;
use crate::load::{self, Span};
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use crate::rotation::grants;
use crate::rows::STATELESS_CALL;
use crate::start::Site;
use crate::token_endpoints::TokenEndpoints;

/// Connections of each row.
pub(crate) const CONNECTIONS: u32 = 16;

/// The medians at one gateway.
#[derive(Clone, Copy)]
pub(crate) struct Fresh {
    /// A new token on each request.
    pub(crate) new: Figures,
    /// One token again and again.
    pub(crate) known: Figures,
}

/// The medians at both.
#[derive(Clone, Copy)]
pub(crate) struct FreshFigures {
    /// At the gateway that issued the tokens.
    pub(crate) own: Fresh,
    /// At the sidecar.
    pub(crate) foreign: Fresh,
}

impl Fresh {
    /// Microseconds of processor time that a new token costs more.
    pub(crate) fn more(&self) -> f64 {
        self.new.processor - self.known.processor
    }
}

pub(crate) async fn measure(
    options: &cli::Run,
    person: &mut Person,
    issuer: &Lane,
) -> anyhow::Result<FreshFigures> {
    let site = Site::of(options, "sidecar")?;
    let process = site.start_in_role("mcp").await?;
    let watched = Family::of(process.pid())?;
    let sidecar = Lane { name: "sidecar", address: site.address, watched, ..issuer.clone() };
    let lanes = [issuer, &sidecar];
    let span = options.pace.span();
    let endpoint = TokenEndpoints::of(options, person.client_id())?.ours;
    let mut refresh_tokens = grants(&endpoint, person, CONNECTIONS as usize).await?;
    let mut rounds: [[Vec<Figures>; 2]; 2] = Default::default();
    for _ in 0..options.pace.rounds {
        let tokens = issue(&endpoint, &mut refresh_tokens, span).await?;
        for (place, lane) in lanes.into_iter().enumerate() {
            // Every other one, so that neither gets the older ones.
            let tokens: Vec<_> = tokens.iter().skip(place).step_by(2).cloned().collect();
            let [new, known] = &mut rounds[place];
            new.push(each_once(lane, &tokens, span).await?);
            known.push(again_and_again(lane, span).await?);
        }
    }
    let medians = |[new, known]: &[Vec<Figures>; 2]| Fresh {
        new: Figures::medians(new),
        known: Figures::medians(known),
    };
    let [own, foreign] = &rounds;
    Ok(FreshFigures { own: medians(own), foreign: medians(foreign) })
}

/// Tokens that nobody has used yet.
async fn issue(
    endpoint: &Server,
    refresh_tokens: &mut Vec<String>,
    span: Span,
) -> anyhow::Result<Vec<String>> {
    let refreshers = endpoint.refreshers(std::mem::take(refresh_tokens)).await?;
    let (_, refreshers) = load::measure(refreshers, &endpoint.watched, span).await?;
    let mut access_tokens = Vec::new();
    for refresher in refreshers {
        let (refresh_token, got) = refresher.into_tokens();
        refresh_tokens.push(refresh_token);
        access_tokens.extend(got);
    }
    Ok(access_tokens)
}

async fn each_once(lane: &Lane, tokens: &[String], span: Span) -> anyhow::Result<Figures> {
    let script = lane.prepare(STATELESS_CALL).await?;
    let requests = lane.with_tokens(STATELESS_CALL, tokens);
    let askers = script.askers_once(CONNECTIONS, requests).await?;
    let cold = Span { warm_up: Duration::ZERO, ..span };
    let (sample, _) = load::measure(askers, &lane.watched, cold).await?;
    Ok(Figures::of(&sample))
}

async fn again_and_again(lane: &Lane, span: Span) -> anyhow::Result<Figures> {
    let askers = lane.prepare(STATELESS_CALL).await?.askers(CONNECTIONS).await?;
    let (sample, _) = load::measure(askers, &lane.watched, span).await?;
    Ok(Figures::of(&sample))
}
