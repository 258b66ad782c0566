//! Client credentials at the two token endpoints: a client that acts for itself asks for one access
//! token after the other (A1).

use std::net::SocketAddr;

use anyhow::ensure;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::cli;
use crate::figures::Figures;
use crate::load::{self, Worker};
use crate::refresh::Server;
use crate::token::{is_jwt, post_form};
use crate::token_endpoints::{CLIENTS, Compared, TokenEndpoints};
use crate::wire::Wire;

/// The machine's id and secret, as in bench/servers.sh and bench/oidc-provider.
pub(crate) const ID: &str = "machine";
/// The servers that know it are on loopback and end with the run.
const SECRET: &str = "whoever-knows-this-may-be-the-machine";

/// One connection of the machine.
struct Machine {
    wire: Wire,
    request: String,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    token_type: String,
    expires_in: u32,
    scope: String,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<Compared<Figures>> {
    let TokenEndpoints { provider, ours } = TokenEndpoints::of(options, ID)?;
    let span = options.pace.span();
    let mut rounds = Compared::<Vec<Figures>>::default();
    for _ in 0..options.pace.rounds {
        for (place, clients) in CLIENTS.into_iter().enumerate() {
            let lanes = [(&provider, &mut rounds.provider), (&ours, &mut rounds.ours)];
            for (server, rounds) in lanes {
                let machines = Machine::many_at(server, clients).await?;
                let (sample, _) = load::measure(machines, &server.watched, span).await?;
                rounds[place].push(Figures::of(&sample));
            }
        }
    }
    Ok(rounds.medians())
}

/// So many access tokens of the machine for the resource, one after the other.
pub(crate) async fn tokens(
    host: SocketAddr,
    resource: &str,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let mut machine = Machine::at(host, resource).await?;
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(machine.ask().await?.access_token);
    }
    Ok(tokens)
}

impl Machine {
    async fn many_at(server: &Server, connections: usize) -> anyhow::Result<Vec<Self>> {
        let resource = format!("http://{}/mcp", server.address);
        let mut machines = Vec::new();
        for _ in 0..connections {
            machines.push(Self::at(server.address, &resource).await?);
        }
        Ok(machines)
    }

    async fn at(host: SocketAddr, resource: &str) -> anyhow::Result<Self> {
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", ID)
            .append_pair("client_secret", SECRET)
            .append_pair("scope", "mcp:read")
            .append_pair("resource", resource)
            .finish();
        Ok(Self { wire: Wire::connect(host).await?, request: post_form(host, "/token", &form) })
    }

    async fn ask(&mut self) -> anyhow::Result<Issued> {
        let answer = self.wire.ask(self.request.as_bytes()).await?;
        ensure!(
            answer.status == 200,
            "client credentials: status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        let issued: Issued = serde_json::from_slice(answer.body)?;
        ensure!(
            issued.token_type == "Bearer" && issued.expires_in > 0 && issued.scope == "mcp:read",
            "client credentials: an answer without a token of the right kind"
        );
        Ok(issued)
    }
}

impl Worker for Machine {
    async fn once(&mut self) -> anyhow::Result<bool> {
        let issued = self.ask().await?;
        ensure!(is_jwt(&issued.access_token), "an access token that is no JWT");
        Ok(true)
    }
}
