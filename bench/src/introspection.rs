//! Token introspection (RFC 7662): a resource server asks what access tokens are worth (A7).
//!
//! Ours are JWTs. The peer introspects no JWT, so its tokens for this are opaque ones, which it looks
//! up in its memory.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::cli;
use crate::figures::Figures;
use crate::load::{self, Worker};
use crate::machine;
use crate::token::post_form;
use crate::token_endpoints::{CLIENTS, Compared, TokenEndpoints};
use crate::wire::Wire;

/// The resource server's id and secret, as in bench/servers.sh and bench/oidc-provider.
const ID: &str = "resource-server";
/// The servers that know it are on loopback and end with the run.
const SECRET: &str = "whoever-knows-this-may-ask-about-tokens";

/// Access tokens that are asked about in turn.
const TOKENS: usize = 64;

/// What is asked at one server: one request for each token.
#[derive(Clone)]
struct Questions {
    host: SocketAddr,
    requests: Arc<Vec<String>>,
}

/// One connection of the resource server.
struct ResourceServer {
    wire: Wire,
    requests: Arc<Vec<String>>,
    next: usize,
}

#[derive(Deserialize)]
struct Introspected {
    active: bool,
    client_id: Option<String>,
    scope: Option<String>,
    exp: Option<i64>,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<Compared<Figures>> {
    let TokenEndpoints { provider, ours } = TokenEndpoints::of(options, ID)?;
    let span = options.pace.span();
    let theirs = Questions::about_tokens(provider.address, "/opaque", "/token/introspection");
    let theirs = theirs.await?;
    let mine = Questions::about_tokens(ours.address, "/mcp", "/introspect").await?;
    let mut rounds = Compared::<Vec<Figures>>::default();
    for _ in 0..options.pace.rounds {
        for (place, clients) in CLIENTS.into_iter().enumerate() {
            let lanes = [
                (&theirs, &provider.watched, &mut rounds.provider),
                (&mine, &ours.watched, &mut rounds.ours),
            ];
            for (questions, watched, rounds) in lanes {
                let servers = questions.resource_servers(clients).await?;
                let (sample, _) = load::measure(servers, watched, span).await?;
                rounds[place].push(Figures::of(&sample));
            }
        }
    }
    Ok(rounds.medians())
}

impl Questions {
    /// The machine gets tokens for the resource at this path, and they are asked about.
    async fn about_tokens(host: SocketAddr, resource: &str, path: &str) -> anyhow::Result<Self> {
        let resource = format!("http://{host}{resource}");
        let tokens = machine::tokens(host, &resource, TOKENS).await?;
        let requests = tokens.iter().map(|token| {
            let form = Serializer::new(String::new())
                .append_pair("client_id", ID)
                .append_pair("client_secret", SECRET)
                .append_pair("token", token)
                .finish();
            post_form(host, path, &form)
        });
        Ok(Self { host, requests: Arc::new(requests.collect()) })
    }

    /// They begin at different tokens.
    async fn resource_servers(&self, connections: usize) -> anyhow::Result<Vec<ResourceServer>> {
        let mut servers = Vec::new();
        for number in 0..connections {
            servers.push(ResourceServer {
                wire: Wire::connect(self.host).await?,
                requests: Arc::clone(&self.requests),
                next: number * TOKENS / connections,
            });
        }
        Ok(servers)
    }
}

impl Worker for ResourceServer {
    async fn once(&mut self) -> anyhow::Result<bool> {
        let request = &self.requests[self.next % TOKENS];
        self.next += 1;
        let answer = self.wire.ask(request.as_bytes()).await?;
        ensure!(
            answer.status == 200,
            "introspection: status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        let Introspected { active, client_id, scope, exp } = serde_json::from_slice(answer.body)?;
        ensure!(
            active
                && client_id.as_deref() == Some(machine::ID)
                && scope.as_deref() == Some("mcp:read")
                && exp.is_some(),
            "introspection: a good token that is not described: {}",
            String::from_utf8_lossy(answer.body)
        );
        Ok(true)
    }
}
