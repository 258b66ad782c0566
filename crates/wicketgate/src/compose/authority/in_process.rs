//! The authorization server in the same process.

use std::sync::Arc;

use auth::AuthServer;
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use mcp::{Authority, AuthorityAway};
use protocol::audit::Report;
use protocol::status_list::StatusList;
use tokio::sync::{Mutex, watch};

use super::away;

/// Asks the authorization server directly. Revocations are known at once.
pub(in super::super) struct InProcess {
    auth: Arc<AuthServer>,
    changes: Mutex<watch::Receiver<u64>>,
}

impl InProcess {
    pub(in super::super) fn new(auth: Arc<AuthServer>) -> Self {
        let changes = Mutex::new(auth.changes());
        Self { auth, changes }
    }
}

impl Authority for InProcess {
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        async { Ok(self.auth.jwks()) }.boxed()
    }

    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        async { Ok(self.auth.metadata()) }.boxed()
    }

    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
        async move { self.auth.status_list(list).await.map_err(away) }.boxed()
    }

    fn has_signed(&self, digest: &[u8; 32]) -> bool {
        self.auth.has_signed(digest)
    }

    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
        async { self.auth.record_calls(report).await.map_err(away) }.boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            let mut changes = self.changes.lock().await;
            if changes.changed().await.is_err() {
                // The authorization server is gone; the process is ending.
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}
