//! What is said to a child. One task writes, so that a message is written whole or not at all,
//! even if whoever sent it goes away meanwhile.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use crate::links::pipe::{Core, Wire};
use crate::links::{Caller, LinkError};

/// Messages that wait to be written.
const WAITING: usize = 16;
/// How long a child that reads nothing holds up a sender.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to a child.
pub(super) struct Stdin(mpsc::Sender<String>);

pub(super) fn stdin() -> (Stdin, mpsc::Receiver<String>) {
    let (sender, lines) = mpsc::channel(WAITING);
    (Stdin(sender), lines)
}

impl Wire for Stdin {
    fn send<'a>(
        &'a self,
        _caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            use mpsc::error::SendTimeoutError::{Closed, Timeout};
            self.0.send_timeout(text, PATIENCE).await.map_err(|error| match error {
                Timeout(_) => LinkError::Full,
                Closed(_) => LinkError::Away,
            })
        })
    }

    fn hint(&self, text: String) {
        // A child that does not read does not need it.
        let _ = self.0.try_send(text);
    }
}

/// Writes until the pipe ends; then the child sees the end of its input.
pub(super) async fn write(
    core: Arc<Core>,
    mut stdin: ChildStdin,
    mut lines: mpsc::Receiver<String>,
) {
    let writing = async {
        while let Some(mut line) = lines.recv().await {
            line.push('\n');
            if stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err() {
                // Its last answers may still be on their way; the end of its output ends the pipe.
                return;
            }
        }
    };
    tokio::select! {
        () = core.ended() => {}
        () = writing => core.ended().await,
    }
}
