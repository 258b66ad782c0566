//! The handle that a client knows a task by.

use std::sync::Arc;

use protocol::jsonrpc::Params;
use quick_cache::sync::Cache;

use crate::access::Permit;
use crate::sealing::Sealing;

/// Seals and opens the handles of one server's tasks.
pub(crate) struct Handles {
    sealing: Sealing,
    /// What the server's upstream is, which alone knows the tasks.
    upstream: String,
    /// The handles that passed here lately, by principal and the server's own id, because news of
    /// a task name it by that id. A handle that is forgotten still opens.
    recent: Cache<([u8; 32], Box<str>), Arc<str>>,
}

/// A task that this principal began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its id at the upstream.
    pub(crate) upstream: String,
    /// The tool whose call began it.
    pub(crate) tool: String,
    /// Its id as the client knows it.
    pub(crate) handle: Arc<str>,
}

/// Ours are far shorter unless the upstream uses very long ids.
const MAX_LENGTH: usize = 4096;

impl Handles {
    pub(crate) fn new(sealing: Sealing, upstream: &str, entries: usize) -> Self {
        Self { sealing, upstream: upstream.to_owned(), recent: Cache::new(entries) }
    }

    /// The handle of a task that a call of `tool` has just begun.
    pub(crate) fn seal(&self, permit: &Permit, tool: &str, upstream: &str) -> Arc<str> {
        // JSON keeps the two apart, whatever they hold.
        let plain = serde_json::json!([tool, upstream]).to_string();
        let Sealing { key, random } = &self.sealing;
        let sealed = key.seal(plain.as_bytes(), &self.place(permit), &**random);
        self.remember(permit, upstream, sealed.into())
    }

    /// The task that a client names in `taskId`; `None` if it did not begin one of this name.
    pub(crate) fn named(&self, permit: &Permit, params: &Params<'_>) -> Option<Task> {
        self.open(permit, &params.task_id()?)
    }

    /// The task behind a handle; `None` for anything that was not sealed for this principal here.
    pub(crate) fn open(&self, permit: &Permit, unverified: &str) -> Option<Task> {
        if unverified.len() > MAX_LENGTH {
            return None;
        }
        let plain = self.sealing.key.open(unverified, &self.place(permit)).ok()?;
        let (tool, upstream): (String, String) = serde_json::from_slice(&plain).ok()?;
        let handle = self.remember(permit, &upstream, unverified.into());
        Some(Task { upstream, tool, handle })
    }

    /// The handle under which this principal knows a task of the server, if it passed lately.
    pub(crate) fn known(&self, permit: &Permit, upstream: &str) -> Option<Arc<str>> {
        self.recent.get(&(*permit.principal(), upstream.into()))
    }

    /// A handle that is too long to open is of no use, and its server chose how long it is.
    fn remember(&self, permit: &Permit, upstream: &str, handle: Arc<str>) -> Arc<str> {
        if handle.len() <= MAX_LENGTH {
            self.recent.insert((*permit.principal(), upstream.into()), Arc::clone(&handle));
        }
        handle
    }

    /// The place is not that of sessions, so neither opens as the other.
    fn place(&self, permit: &Permit) -> String {
        format!("task/{}/{}", self.upstream, permit.session_place())
    }
}
