//! Code exchange at the two token endpoints: each client redeems codes that it was given before.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::cli;
use crate::figures::Figures;
use crate::load::{self, Span, Worker};
use crate::person::Person;
use crate::refresh::Server;
use crate::token::{code_form, redeem};
use crate::token_endpoints::{CLIENTS, Compared, TokenEndpoints};
use crate::wire::Wire;

/// Codes of one client in one round, where there is one client and where there are many.
const CODES: [usize; 2] = [400, 250];
/// However long it takes: a measurement ends when the codes are used up.
const ALL: Span = Span { warm_up: Duration::ZERO, measured: Duration::from_mins(10) };

/// One client on one connection.
struct Exchanger {
    wire: Wire,
    host: SocketAddr,
    client_id: String,
    codes: Vec<String>,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<Compared<Figures>> {
    let TokenEndpoints { provider, ours } = TokenEndpoints::of(options, "")?;
    let mut people = Vec::new();
    for _ in 0..CLIENTS[1] {
        people.push(Person::at(ours.address).await?);
    }
    let mut rounds = Compared::<Vec<Figures>>::default();
    for _ in 0..options.pace.rounds {
        for (place, (clients, codes)) in CLIENTS.into_iter().zip(CODES).enumerate() {
            let exchangers = with_seeded_codes(&provider, clients, codes).await?;
            let (sample, _) = load::measure(exchangers, &provider.watched, ALL).await?;
            rounds.provider[place].push(Figures::of(&sample));

            let exchangers = people[..clients].iter_mut().map(|person| with_codes(person, codes));
            let exchangers = try_join_all(exchangers).await?;
            let (sample, _) = load::measure(exchangers, &ours.watched, ALL).await?;
            rounds.ours[place].push(Figures::of(&sample));
        }
    }
    Ok(rounds.medians())
}

/// Clients of the provider, whose codes come from its own models.
async fn with_seeded_codes(
    provider: &Server,
    clients: usize,
    codes: usize,
) -> anyhow::Result<Vec<Exchanger>> {
    let seeded = provider.seed("code", clients * codes).await?;
    let mut exchangers = Vec::new();
    for codes in seeded.chunks(codes) {
        exchangers.push(Exchanger::at(provider.address, &provider.client_id, codes).await?);
    }
    Ok(exchangers)
}

/// The client of this person, who goes through the pages for each code.
async fn with_codes(person: &mut Person, count: usize) -> anyhow::Result<Exchanger> {
    person.reconnect().await?;
    let resource = format!("http://{}/mcp", person.address());
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(person.code(&resource).await?);
    }
    Exchanger::at(person.address(), person.client_id(), &codes).await
}

impl Exchanger {
    async fn at(host: SocketAddr, client_id: &str, codes: &[String]) -> anyhow::Result<Self> {
        let wire = Wire::connect(host).await?;
        Ok(Self { wire, host, client_id: client_id.to_owned(), codes: codes.to_vec() })
    }
}

impl Worker for Exchanger {
    async fn once(&mut self) -> anyhow::Result<bool> {
        let Some(code) = self.codes.pop() else { return Ok(false) };
        redeem(&mut self.wire, self.host, &code_form(&self.client_id, &code)).await?;
        Ok(true)
    }
}
