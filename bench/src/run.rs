//! The whole measurement, in its order.

use std::io::Write as _;
use std::time::Duration;

use crate::cli;
use crate::crowd::crowds;
use crate::eras::Eras;
use crate::figures::{Figures, median};
use crate::goals::{self, Measured};
use crate::huge::Huge;
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::load::{Span, measure};
use crate::markdown;
use crate::person::Person;
use crate::process::Family;
use crate::refresh::Server;
use crate::rows::{self, CALL, LARGE, Results, STATELESS_CALL};
use crate::start::{Database, Site};

/// Clients that refresh at the same time.
pub(crate) const REFRESHERS: u32 = 16;

/// Measures everything and prints the tables.
pub(crate) async fn run(options: &cli::Run) -> anyhow::Result<()> {
    let gateway = Family::of(options.gateway.wicketgate_pid)?;
    let idle_kib = gateway.resident()?;
    let mut person = Person::at(options.gateway.wicketgate).await?;
    let lanes = Lanes::open(options, &mut person).await?;
    lanes.check_streaming().await?;
    let starts = starts(options).await?;
    let mut refresh = Refresh::open(options, &mut person).await?;
    let scripts = rows::prepare(&lanes).await?;
    let mut eras = Eras::open(&mut person, &lanes.wicketgate).await?;
    let mut huge = Huge::open(lanes.main()).await?;
    let (mut results, mut fresh_tokens) = (Results::default(), Vec::new());
    let span = span(options);
    for round in 1..=options.pace.rounds {
        note(&format!("round {round} of {}", options.pace.rounds));
        rows::round(&lanes, &scripts, span, &mut results).await?;
        eras.round(span).await?;
        huge.round(lanes.main(), span).await?;
        let tokens = refresh.round(span).await?;
        fresh_tokens.push(with_fresh_tokens(&lanes.wicketgate, &tokens, span).await?);
    }
    note("idle subscribers");
    let memory_kib = [idle_kib, gateway.resident()?];
    let crowds = crowds(options).await?;
    let measured = Measured {
        results,
        fresh_tokens: Figures::medians(&fresh_tokens),
        eras: eras.medians(),
        huge: huge.medians(),
        crowds,
        refresh: refresh.medians(),
        starts,
        memory_kib,
        binary_bytes: std::fs::metadata(&options.binary)?.len(),
    };
    let report = markdown::report(&measured, &goals::verdicts(&measured));
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

/// Calls tools for a while and prints how it went.
pub(crate) async fn load(options: &cli::Load) -> anyhow::Result<()> {
    let mut person = Person::at(options.gateway.wicketgate).await?;
    let lane = Lane::with_tokens_of(
        &mut person,
        options.gateway.wicketgate,
        options.gateway.wicketgate_pid,
    )
    .await?;
    let ask = if options.large { LARGE } else { CALL };
    let askers = lane.prepare(ask).await?.askers(options.connections).await?;
    let span = Span {
        warm_up: Duration::from_millis(200),
        measured: Duration::from_secs(options.seconds),
    };
    let (sample, _) = measure(askers, &lane.watched, span).await?;
    note(&format!("{:?}", Figures::of(&sample)));
    Ok(())
}

fn span(options: &cli::Run) -> Span {
    Span { warm_up: options.pace.span() / 8, measured: options.pace.span() }
}

/// Milliseconds to the first answer, with a new and with an existing database: medians.
async fn starts(options: &cli::Run) -> anyhow::Result<[f64; 2]> {
    let site = Site::of(options, "starting")?;
    let (mut new, mut existing) = (Vec::new(), Vec::new());
    for _ in 0..options.pace.rounds {
        new.push(site.time(Database::New).await?);
        existing.push(site.time(Database::Existing).await?);
    }
    Ok([median(new), median(existing)])
}

/// Calls with tokens that the gateway has never seen (G9).
async fn with_fresh_tokens(
    wicketgate: &Lane,
    tokens: &[String],
    span: Span,
) -> anyhow::Result<Figures> {
    let script = wicketgate.prepare(STATELESS_CALL).await?;
    let requests = wicketgate.with_tokens(STATELESS_CALL, tokens);
    let askers = script.askers_once(REFRESHERS, requests).await?;
    let cold = Span { warm_up: Duration::ZERO, ..span };
    let (sample, _) = measure(askers, &wicketgate.watched, cold).await?;
    Ok(Figures::of(&sample))
}

/// The two token endpoints, and the refresh tokens that are valid at ours.
struct Refresh {
    provider: Server,
    ours: Server,
    tokens: Vec<String>,
    /// Of the provider and of ours, at one client and at many.
    rounds: [[Vec<Figures>; 2]; 2],
}

impl Refresh {
    /// Every client gets its own grant, through the pages.
    async fn open(options: &cli::Run, person: &mut Person) -> anyhow::Result<Self> {
        let resource = format!("http://{}/mcp", options.gateway.wicketgate);
        let mut tokens = Vec::new();
        for _ in 0..REFRESHERS {
            tokens.push(person.authorize(&resource).await?.refresh_token);
        }
        Ok(Self {
            provider: Server {
                name: "oidc-provider, in memory",
                address: options.provider,
                watched: Family::of(options.provider_pid)?,
                client_id: "bench".to_owned(),
            },
            ours: Server {
                name: "wicketgate, SQLite, durable",
                address: options.gateway.wicketgate,
                watched: Family::of(options.gateway.wicketgate_pid)?,
                client_id: person.client_id().to_owned(),
            },
            tokens,
            rounds: Default::default(),
        })
    }

    /// One round with one client and with many. Returns fresh access tokens of ours.
    async fn round(&mut self, span: Span) -> anyhow::Result<Vec<String>> {
        let mut access_tokens = Vec::new();
        for (place, clients) in [1, REFRESHERS].into_iter().enumerate() {
            let seeded = self.provider.seed(clients).await?;
            let refreshers = self.provider.refreshers(seeded).await?;
            let (sample, _) = measure(refreshers, &self.provider.watched, span).await?;
            self.rounds[0][place].push(Figures::of(&sample));

            let tokens = self.tokens.drain(..clients as usize).collect();
            let refreshers = self.ours.refreshers(tokens).await?;
            let (sample, refreshers) = measure(refreshers, &self.ours.watched, span).await?;
            self.rounds[1][place].push(Figures::of(&sample));
            for refresher in refreshers {
                let (refresh_token, got) = refresher.into_tokens();
                self.tokens.push(refresh_token);
                access_tokens.extend(got);
            }
        }
        Ok(access_tokens)
    }

    fn medians(&self) -> [(&'static str, [Figures; 2]); 2] {
        let medians = |server: usize| {
            let [one, many] = &self.rounds[server];
            [Figures::medians(one), Figures::medians(many)]
        };
        [(self.provider.name, medians(0)), (self.ours.name, medians(1))]
    }
}

pub(crate) fn note(text: &str) {
    eprintln!("bench: {text}");
}
