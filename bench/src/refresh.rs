//! Clients that refresh: each redeems its token for the next one.

use std::net::SocketAddr;

use anyhow::ensure;

use crate::load::Worker;
use crate::process::Family;
use crate::token::{redeem, refresh_form};
use crate::wire::Wire;

/// An authorization server whose token endpoint is measured.
pub(crate) struct Server {
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

    /// Fresh codes or refresh tokens from oidc-provider's `/seed`.
    pub(crate) async fn seed(&self, kind: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let mut wire = Wire::connect(self.address).await?;
        let host = self.address;
        let request = format!(
            "POST /seed?kind={kind}&count={count} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
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
        let form = refresh_form(&self.client_id, &self.refresh_token);
        let tokens = redeem(&mut self.wire, self.host, &form).await?;
        ensure!(tokens.refresh_token != self.refresh_token, "the refresh token was not rotated");
        self.refresh_token = tokens.refresh_token;
        if self.got.len() < KEPT {
            self.got.push(tokens.access_token);
        }
        Ok(true)
    }
}
