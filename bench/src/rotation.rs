//! Refresh rotation at the two token endpoints: each client redeems its token for the next one.

use crate::cli;
use crate::figures::Figures;
use crate::load;
use crate::person::Person;
use crate::refresh::Server;
use crate::token_endpoints::{CLIENTS, Compared, TokenEndpoints};

pub(crate) async fn measure(
    options: &cli::Run,
    person: &mut Person,
) -> anyhow::Result<Compared<Figures>> {
    let TokenEndpoints { provider, ours } = TokenEndpoints::of(options, person.client_id())?;
    let span = options.pace.span();
    let mut tokens = grants(&ours, person, CLIENTS[1]).await?;
    let mut rounds = Compared::<Vec<Figures>>::default();
    for _ in 0..options.pace.rounds {
        for (place, clients) in CLIENTS.into_iter().enumerate() {
            let seeded = provider.seed("refresh", clients).await?;
            let refreshers = provider.refreshers(seeded).await?;
            let (sample, _) = load::measure(refreshers, &provider.watched, span).await?;
            rounds.provider[place].push(Figures::of(&sample));

            let refreshers = ours.refreshers(tokens.drain(..clients).collect()).await?;
            let (sample, refreshers) = load::measure(refreshers, &ours.watched, span).await?;
            rounds.ours[place].push(Figures::of(&sample));
            tokens.extend(refreshers.into_iter().map(|refresher| refresher.into_tokens().0));
        }
    }
    Ok(rounds.medians())
}

/// The refresh tokens of so many grants of our server, each through the pages.
pub(crate) async fn grants(
    ours: &Server,
    person: &mut Person,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let resource = format!("http://{}/mcp", ours.address);
    person.reconnect().await?;
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(person.authorize(&resource).await?.refresh_token);
    }
    Ok(tokens)
}
