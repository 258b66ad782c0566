//! What status lists cost where there are many grants (A8).
//!
//! The authorization server keeps no list that it made: each answer is read from the database,
//! compressed and signed. Whoever stands in front of it may keep one for two seconds.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use kernel::encoding::from_base64url;
use protocol::status_list::{BITS_PER_LIST, StatusBits, StatusListClaims};
use protocol::token::{AccessClaims, StatusReference};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::cli;
use crate::figures::{Figures, median, micros};
use crate::filled::{Filled, Filling};
use crate::load::{self, Worker};
use crate::sqlite;
use crate::token::{post_form, revocation_form};
use crate::token_endpoints::CLIENTS;
use crate::wire::Wire;

/// For five refresh tokens of the large table of A6 there is one grant here: a million, if nothing
/// else is said.
const ROWS_FOR_ONE_GRANT: u32 = 5;
/// Grants that are revoked one after the other.
const REVOCATIONS: u32 = 20;

const NUMBERED: &str = "SELECT value FROM OAUTH_SEQUENCE WHERE name = 'next_status_index'";
const REVOKED: &str = "SELECT count(*) FROM OAUTH_GRANT WHERE revoked_at IS NOT NULL";

/// What was seen.
pub(crate) struct StatusLists {
    pub(crate) grants: u32,
    pub(crate) revoked: u64,
    /// Bytes of each list as it travels.
    pub(crate) bytes: Vec<usize>,
    /// Lists asked for in turn, by each of [`CLIENTS`].
    pub(crate) reading: [Figures; 2],
    /// Microseconds of the first answer after a revocation: the median.
    pub(crate) first: f64,
    /// Microseconds from sending a revocation to having a list that tells of it: the median.
    pub(crate) told: f64,
}

/// One connection that asks for the lists in turn.
struct Reader {
    wire: Wire,
    /// The request for each list, and how long the answer is.
    lists: Vec<(String, usize)>,
    next: usize,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<StatusLists> {
    let grants = options.table_rows / ROWS_FOR_ONE_GRANT;
    let filling = Filling { script: "grants.sql", rows: grants };
    let filled = Filled::start(options, "many-grants", REVOCATIONS, Some(filling)).await?;
    let revoked = sqlite::number(filled.database(), REVOKED)?;
    let lists = sqlite::number(filled.database(), NUMBERED)?.div_ceil(BITS_PER_LIST);
    let bytes = sizes(filled.server.address, lists, revoked).await?;
    let reading = read(options, &filled, &bytes).await?;
    let (first, told) = revoke(&filled).await?;
    Ok(StatusLists { grants, revoked, bytes, reading, first, told })
}

/// How many bytes each list has. Together they must tell of every revoked grant.
async fn sizes(host: SocketAddr, lists: u64, revoked: u64) -> anyhow::Result<Vec<usize>> {
    let mut wire = Wire::connect(host).await?;
    let (mut sizes, mut told) = (Vec::new(), 0);
    for list in 0..lists {
        let (bits, bytes) = ask(&mut wire, &request(host, list)).await?;
        let bits_of_list = 0..u32::try_from(BITS_PER_LIST)?;
        told += bits_of_list.filter(|idx| bits.is_revoked(*idx)).count() as u64;
        sizes.push(bytes);
    }
    ensure!(told == revoked, "the lists tell of {told} revoked grants, and there are {revoked}");
    Ok(sizes)
}

async fn read(
    options: &cli::Run,
    filled: &Filled,
    bytes: &[usize],
) -> anyhow::Result<[Figures; 2]> {
    let host = filled.server.address;
    let requests = (0_u64..).map(|list| request(host, list));
    let lists: Vec<_> = requests.zip(bytes.iter().copied()).collect();
    let mut rounds: [Vec<Figures>; 2] = Default::default();
    for _ in 0..options.pace.rounds {
        for (clients, rounds) in CLIENTS.into_iter().zip(&mut rounds) {
            let mut readers = Vec::new();
            for next in 0..clients {
                let wire = Wire::connect(host).await?;
                readers.push(Reader { wire, lists: lists.clone(), next });
            }
            let (sample, _) =
                load::measure(readers, &filled.server.watched, options.pace.span()).await?;
            rounds.push(Figures::of(&sample));
        }
    }
    Ok(rounds.map(|rounds| Figures::medians(&rounds)))
}

/// Revokes each grant, and asks for its list as soon as the revocation is answered.
async fn revoke(filled: &Filled) -> anyhow::Result<(f64, f64)> {
    let host = filled.server.address;
    let mut wire = Wire::connect(host).await?;
    let (mut first, mut told) = (Vec::new(), Vec::new());
    for tokens in &filled.granted {
        let StatusReference { idx, uri } =
            claims::<AccessClaims>(&tokens.access_token)?.status.status_list;
        let list = uri.rsplit('/').next().context("a status without a list")?.parse()?;
        let (list, form) =
            (request(host, list), revocation_form(&filled.server.client_id, &tokens.refresh_token));
        let revocation = post_form(host, "/revoke", &form);
        let (bits, _) = ask(&mut wire, &list).await?;
        ensure!(!bits.is_revoked(idx), "a grant is told of as revoked before it is");

        let begin = Instant::now();
        let status = wire.ask(revocation.as_bytes()).await?.status;
        ensure!(status == 200, "revocation: status {status}");
        let revoked = Instant::now();
        let (bits, _) = ask(&mut wire, &list).await?;
        let end = Instant::now();
        ensure!(bits.is_revoked(idx), "the first list after a revocation does not tell of it");
        first.push(micros(end - revoked));
        told.push(micros(end - begin));
    }
    Ok((median(first), median(told)))
}

fn request(host: SocketAddr, list: u64) -> String {
    format!("GET /status/{list} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\r\n")
}

/// A list, and how many bytes it has as it travels.
async fn ask(wire: &mut Wire, request: &str) -> anyhow::Result<(StatusBits, usize)> {
    let answer = wire.ask(request.as_bytes()).await?;
    ensure!(answer.status == 200, "a status list: status {}", answer.status);
    let claims: StatusListClaims = claims(std::str::from_utf8(answer.body)?)?;
    Ok((StatusBits::decompress(&claims.status_list)?, answer.body.len()))
}

/// What a JWT says. Who signed it is nobody's doubt here.
fn claims<C: DeserializeOwned>(token: &str) -> anyhow::Result<C> {
    let payload = token.split('.').nth(1).and_then(from_base64url).context("no JWT")?;
    Ok(serde_json::from_slice(&payload)?)
}

impl Worker for Reader {
    async fn once(&mut self) -> anyhow::Result<bool> {
        let (request, bytes) = &self.lists[self.next % self.lists.len()];
        self.next += 1;
        let answer = self.wire.ask(request.as_bytes()).await?;
        ensure!(
            answer.status == 200 && answer.body.len() == *bytes,
            "a status list: status {}, {} bytes instead of {bytes}",
            answer.status,
            answer.body.len()
        );
        Ok(true)
    }
}
