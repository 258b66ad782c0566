//! Connections that repeat a prepared request.

use std::net::SocketAddr;

use anyhow::ensure;

use crate::load::Worker;
use crate::template::Template;
use crate::wire::Wire;

/// A request and its answer, ready to be repeated.
pub(crate) struct Script {
    address: SocketAddr,
    request: Template,
    expected: Template,
}

/// One connection.
pub(crate) struct Asker {
    wire: Wire,
    request: Template,
    /// Requests that are used once each, instead of one again and again.
    rest: Option<Vec<Template>>,
    expected: Template,
    id: u32,
}

/// Ids have eight digits; each connection has a million of its own.
const FIRST_ID: u32 = 10_000_000;
const IDS: u32 = 1_000_000;

impl Script {
    pub(crate) fn new(address: SocketAddr, request: Template, expected: Template) -> Self {
        Self { address, request, expected }
    }

    /// So many connections, each repeating the request.
    pub(crate) async fn askers(&self, connections: u32) -> anyhow::Result<Vec<Asker>> {
        let mut askers = Vec::new();
        for number in 0..connections {
            askers.push(self.connect(number, None).await?);
        }
        Ok(askers)
    }

    /// One connection that repeats the request.
    pub(crate) async fn asker(&self) -> anyhow::Result<Asker> {
        self.connect(0, None).await
    }

    /// So many connections, which share these requests and send each once.
    pub(crate) async fn askers_once(
        &self,
        connections: u32,
        mut requests: Vec<Template>,
    ) -> anyhow::Result<Vec<Asker>> {
        let share = requests.len() / connections as usize;
        let mut askers = Vec::new();
        for number in 0..connections {
            let rest = requests.split_off(requests.len() - share);
            askers.push(self.connect(number, Some(rest)).await?);
        }
        Ok(askers)
    }

    async fn connect(&self, number: u32, rest: Option<Vec<Template>>) -> anyhow::Result<Asker> {
        Ok(Asker {
            wire: Wire::connect(self.address).await?,
            request: self.request.clone(),
            rest,
            expected: self.expected.clone(),
            id: FIRST_ID + number * IDS,
        })
    }
}

impl Worker for Asker {
    async fn once(&mut self) -> anyhow::Result<bool> {
        if let Some(rest) = &mut self.rest {
            let Some(next) = rest.pop() else {
                return Ok(false);
            };
            self.request = next;
        }
        let answer = self.wire.ask(self.request.with(self.id)).await?;
        ensure!(
            answer.status == 200 && answer.body == self.expected.with(self.id),
            "a wrong answer, status {}: {:.1000}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        self.id += 1;
        Ok(true)
    }
}
