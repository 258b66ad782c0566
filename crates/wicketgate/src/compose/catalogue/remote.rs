//! Asking a sidecar that runs apart for its tools.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Clock, Timestamp};
use protocol::ResourceUri;
use protocol::catalogue::{CatalogueTool, Consenting};

/// Seconds that a person who waits for the consent page waits for it.
const TIMEOUT: u64 = 2;

/// Seconds for which an answer is kept.
const KEEP: i64 = 60;

/// The largest catalogue that is read.
const MAX_BYTES: usize = 1 << 20;

/// Asks over HTTP, and keeps answers for a minute, each for the person it was for: only the sidecar
/// knows which servers have others for others.
pub(in super::super) struct RemoteCatalogue {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    resource: ResourceUri,
    person: Consenting,
    until: Timestamp,
    tools: Arc<Vec<CatalogueTool>>,
}

impl RemoteCatalogue {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self { client: net::outbound::client(TIMEOUT)?, clock, kept: Mutex::default() })
    }

    /// The tools of one resource; `None` if its sidecar does not answer in time.
    pub(super) async fn tools(
        &self,
        resource: &ResourceUri,
        person: Consenting,
        credential: &str,
    ) -> Option<Arc<Vec<CatalogueTool>>> {
        let now = self.clock.now();
        if let Some(tools) = self.find(resource, &person, now) {
            return Some(tools);
        }
        match self.fetch(resource, credential).await {
            Ok(tools) => {
                let tools = Arc::new(tools);
                self.keep(resource, person, now, &tools);
                Some(tools)
            }
            Err(error) => {
                tracing::warn!(%resource, %error, "the sidecar does not list its tools");
                None
            }
        }
    }

    async fn fetch(
        &self,
        resource: &ResourceUri,
        credential: &str,
    ) -> anyhow::Result<Vec<CatalogueTool>> {
        let url = format!("{resource}/catalogue");
        let mut response =
            self.client.get(url).bearer_auth(credential).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            anyhow::ensure!(body.len() + chunk.len() <= MAX_BYTES, "the answer is too large");
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    fn find(
        &self,
        resource: &ResourceUri,
        person: &Consenting,
        now: Timestamp,
    ) -> Option<Arc<Vec<CatalogueTool>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |entry: &&Kept| entry.resource == *resource && entry.person == *person;
        kept.iter().find(mine).filter(|entry| now < entry.until).map(|e| Arc::clone(&e.tools))
    }

    fn keep(
        &self,
        resource: &ResourceUri,
        person: Consenting,
        now: Timestamp,
        tools: &Arc<Vec<CatalogueTool>>,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| now < entry.until);
        let (until, tools) = (now.plus_seconds(KEEP), Arc::clone(tools));
        kept.push(Kept { resource: resource.clone(), person, until, tools });
    }
}
