//! A server that says nothing to the first question. Its client waits for a minute and is told
//! little then, so the log says after some seconds what is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Upstream;
use crate::Transport;

/// Whether the silence of a server was logged. One line is enough, however many wait.
#[derive(Default)]
pub(crate) struct Silence {
    logged: AtomicBool,
}

/// One line was logged; dropping it, when the wait is over or given up, lets the next be.
struct Noted<'s>(&'s Silence);

/// How long a server may think about the first question before somebody should look at it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What keeps a program silent that was started.
const PROGRAM_HINT: &str = "it may wait for a download, or miss a variable: HOME, one for a \
                            proxy or certificates; `env` beside `command` passes them. One that \
                            always takes this long starts sooner with `eras` beside `command`";
const SERVER_HINT: &str = "nothing came back from its url so far";

impl Silence {
    /// `None` while somebody else's line says it already.
    fn note(&self) -> Option<Noted<'_>> {
        // Made only if it was not logged: what is made is dropped, and dropping it forgets.
        (!self.logged.swap(true, Ordering::Relaxed)).then(|| Noted(self))
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.logged.store(false, Ordering::Relaxed);
    }
}

impl Upstream {
    /// Waits for the answer to `method`, which opens a connection, and says so once if that takes
    /// long. The answer is boxed: it is large, and waited for deep inside of other futures.
    pub async fn opening<T>(&self, method: &str, mut answer: BoxFuture<'_, T>) -> T {
        if let Ok(answered) = tokio::time::timeout(PATIENCE, &mut answer).await {
            return answered;
        }
        let noted = self.silence.note();
        if noted.is_some() {
            self.log_silence(method);
        }
        answer.await
    }

    fn log_silence(&self, method: &str) {
        let (server, waited_seconds) = (&self.name, PATIENCE.as_secs());
        if let Transport::Stdio(child) = &self.transport {
            let program = child.command.first().map(String::as_str).unwrap_or_default();
            tracing::warn!(
                server.name = %server, %program, %method, waited_seconds, hint = PROGRAM_HINT,
                "mcp.child.silent"
            );
        } else {
            tracing::warn!(
                server.name = %server, %method, waited_seconds, hint = SERVER_HINT,
                "mcp.upstream.silent"
            );
        }
    }
}
