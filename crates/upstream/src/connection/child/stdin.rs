//! What is said to a child. One task writes, so that a message is written whole or not at all,
//! even if whoever sent it goes away meanwhile.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::{self, Receiver};

use crate::Upstream;
use crate::connection::pipe::{Core, Wire};
use crate::connection::{Caller, ConnectionError};

/// Messages that wait to be written.
const WAITING: usize = 16;
/// How long a child that reads nothing holds up a sender.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a child may take to read what was said before the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The way to a child.
pub(super) struct Stdin {
    lines: mpsc::Sender<String>,
    upstream: Weak<Upstream>,
}

/// Both ends of the way to a child of this upstream.
pub(super) fn stdin(upstream: &Arc<Upstream>) -> (Stdin, Receiver<String>) {
    let (lines, received) = mpsc::channel(WAITING);
    (Stdin { lines, upstream: Arc::downgrade(upstream) }, received)
}

impl Wire for Stdin {
    fn send<'a>(
        &'a self,
        _caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            use mpsc::error::SendTimeoutError::{Closed, Timeout};
            self.lines.send_timeout(text, PATIENCE).await.map_err(|error| match error {
                Timeout(_) => ConnectionError::Full,
                Closed(_) => ConnectionError::Away,
            })
        })
    }

    fn hint(&self, text: String) {
        // A child that does not read does not need it.
        let _ = self.lines.try_send(text);
    }

    fn prospered(&self) {
        if let Some(upstream) = self.upstream.upgrade() {
            upstream.children.prospered();
        }
    }

    fn failed(&self) {
        if let Some(upstream) = self.upstream.upgrade() {
            upstream.children.failed(upstream.now());
        }
    }
}

/// Writes until the pipe ends, and what was said before that; then the child sees the end of its
/// input.
pub(super) async fn write(core: Arc<Core>, mut stdin: ChildStdin, mut lines: Receiver<String>) {
    loop {
        let mut line = tokio::select! {
            biased;
            Some(line) = lines.recv() => line,
            () = core.ended() => return,
        };
        line.push('\n');
        let writing = async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        };
        let too_late = async {
            core.ended().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let written = tokio::select! {
            written = writing => written,
            () = too_late => return,
        };
        if written.is_err() {
            // Its last answers may still be on their way; the end of its output ends the pipe.
            return core.ended().await;
        }
    }
}
