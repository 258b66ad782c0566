//! Clients that refresh: each redeems its token for the next one.

use std::net::SocketAddr;

use anyhow::ensure;
use serde::Deserialize;

use crate::load::Worker;
use crate::process::Family;
use crate::wire::Wire;

/// An authorization server whose token endpoint is measured.
pub(crate) struct Server {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) watched: Family,
    pub(crate) client_id: String,
}

/// One client on one connection.
pub(crate) struct Refresher {
    wire: Wire,
    host: SocketAddr,
    client_id: String,
    refresh_token: String,
    /// The access tokens that it got.
    got: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: u32,
}

/// Access tokens that one client keeps for later measurements.
const KEPT: usize = 2000;

impl Server {
    /// One client for each refresh token.
    pub(crate) async fn refreshers(&self, tokens: Vec<String>) -> anyhow::Result<Vec<Refresher>> {
        let mut refreshers = Vec::new();
        for refresh_token in tokens {
            refreshers.push(Refresher {
                wire: Wire::connect(self.address).await?,
                host: self.address,
                client_id: self.client_id.clone(),
                refresh_token,
                got: Vec::new(),
            });
        }
        Ok(refreshers)
    }

    /// Fresh refresh tokens from oidc-provider's `/seed`.
    pub(crate) async fn seed(&self, count: u32) -> anyhow::Result<Vec<String>> {
        let mut wire = Wire::connect(self.address).await?;
        let host = self.address;
        let request = format!(
            "POST /seed?count={count} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = wire.ask(request.as_bytes()).await?;
        Ok(serde_json::from_slice(answer.body)?)
    }
}

impl Refresher {
    /// Takes a new connection: one that is not used for long is closed by the server.
    pub(crate) async fn reconnect(&mut self) -> anyhow::Result<()> {
        self.wire = Wire::connect(self.host).await?;
        Ok(())
    }

    /// The access token that it got last, as long as it keeps them.
    pub(crate) fn newest(&self) -> Option<String> {
        self.got.last().cloned()
    }

    /// The refresh token that is valid now, and the access tokens collected on the way.
    pub(crate) fn into_tokens(self) -> (String, Vec<String>) {
        (self.refresh_token, self.got)
    }
}

impl Worker for Refresher {
    async fn once(&mut self) -> anyhow::Result<bool> {
        let Self { host, client_id, refresh_token, .. } = self;
        let body =
            format!("grant_type=refresh_token&client_id={client_id}&refresh_token={refresh_token}");
        let length = body.len();
        let request = format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = self.wire.ask(request.as_bytes()).await?;
        ensure!(
            answer.status == 200,
            "refresh: status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        let tokens: Tokens = serde_json::from_slice(answer.body)?;
        ensure!(
            tokens.refresh_token != *refresh_token
                && tokens.expires_in > 0
                && tokens.access_token.bytes().filter(|byte| *byte == b'.').count() == 2,
            "an answer without fresh tokens"
        );
        self.refresh_token = tokens.refresh_token;
        if self.got.len() < KEPT {
            self.got.push(tokens.access_token);
        }
        Ok(true)
    }
}
