//! How the sidecar reaches the authorization server: in the same process, or over HTTP.

mod in_process;
mod remote;

use std::sync::OnceLock;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use mcp::{
    Authority, AuthorityAway, ExchangeError, ExchangeRequest, ExchangedToken, ServerSet,
    ServersError,
};
use protocol::audit::Report;
use protocol::status_list::StatusList;

pub(super) use in_process::InProcess;
pub(super) use remote::Remote;

/// An authority that is decided after the sidecar was built: the authorization server wants the
/// sidecar's catalogue, and the sidecar wants the authorization server's keys.
#[derive(Default)]
pub(super) struct Late(OnceLock<Box<dyn Authority>>);

impl Late {
    pub(super) fn set(&self, authority: impl Authority) {
        // The composition sets it once, before anything is served.
        self.0.set(Box::new(authority)).ok();
    }
}

impl Authority for Late {
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        self.0.get().map_or_else(not_yet, |authority| authority.keys())
    }

    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
        self.0.get().map_or_else(not_yet, |authority| authority.metadata())
    }

    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
        self.0.get().map_or_else(not_yet, |authority| authority.status(list))
    }

    fn has_signed(&self, digest: &[u8; 32]) -> bool {
        self.0.get().is_some_and(|authority| authority.has_signed(digest))
    }

    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
        self.0.get().map_or_else(not_yet, |authority| authority.report(report))
    }

    fn servers(&self, after: Option<u64>) -> BoxFuture<'_, Result<ServerSet, ServersError>> {
        self.0.get().map_or_else(not_yet, |authority| authority.servers(after))
    }

    fn exchange(
        &self,
        request: ExchangeRequest,
    ) -> BoxFuture<'_, Result<ExchangedToken, ExchangeError>> {
        self.0.get().map_or_else(not_yet, |authority| authority.exchange(request))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.0.get().map_or_else(
            || tokio::time::sleep(std::time::Duration::from_millis(100)).boxed(),
            |authority| authority.changed(),
        )
    }
}

fn not_yet<'a, T, E>() -> BoxFuture<'a, Result<T, E>>
where
    T: Send + 'a,
    E: From<AuthorityAway> + Send + 'a,
{
    async { Err(away("the process is still starting").into()) }.boxed()
}

#[expect(clippy::needless_pass_by_value, reason = "errors come by value from map_err")]
fn away(reason: impl ToString) -> AuthorityAway {
    AuthorityAway { reason: reason.to_string() }
}
