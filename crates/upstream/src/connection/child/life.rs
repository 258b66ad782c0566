//! From a child's start to its end, after which nothing of it is left.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

use super::slots::ProcessSlot;
use crate::connection::pipe::{Core, End};

/// A process and its family. Dropping it kills them all, so that they end even if we end badly.
pub(super) struct Process {
    pub(super) child: Child,
    group: Pid,
}

/// One child's life.
pub(super) struct Life {
    pub(super) process: Process,
    pub(super) core: Arc<Core>,
    pub(super) seat: Arc<ProcessSlot>,
    pub(super) server: String,
    pub(super) idle_seconds: i64,
}

/// How long what a child wrote before its end is waited for: a grandchild may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// MCP, "Lifecycle: Shutdown": its input ends first, then it is asked to end, then it is killed.
const AFTER_INPUT: Duration = Duration::from_secs(2);
const AFTER_TERM: Duration = Duration::from_secs(2);

impl Life {
    pub(super) async fn run(mut self) {
        let idle = Duration::from_secs(u64::try_from(self.idle_seconds).unwrap_or(0).max(1));
        tokio::select! {
            _ = self.process.child.wait() => {
                let _ = tokio::time::timeout(LAST_WORDS, self.core.ended()).await;
            }
            () = self.core.ended() => {}
            () = self.core.idle_for(idle) => self.core.shut(End::Unneeded),
        }
        self.core.shut(End::Gone);
        let status = self.process.finish().await;
        self.bury(status);
    }

    fn bury(self, status: Option<std::process::ExitStatus>) {
        let end = self.core.end();
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        tracing::info!(
            server.name = %self.server, pid = self.process.pid(), ?end, %status,
            "mcp.child.ended"
        );
        // First what is left of the family, then the seat.
        drop(self.process);
        drop(self.seat);
    }
}

impl Process {
    /// `None` for a process that has already been waited for.
    pub(super) fn new(child: Child) -> Option<Self> {
        let group = Pid::from_raw(i32::try_from(child.id()?).ok()?)?;
        Some(Self { child, group })
    }

    pub(super) fn pid(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its input has ended; sees to it that it ends, too.
    async fn finish(&mut self) -> Option<std::process::ExitStatus> {
        if let Ok(ended) = tokio::time::timeout(AFTER_INPUT, self.child.wait()).await {
            return ended.ok();
        }
        self.signal(Signal::TERM);
        if let Ok(ended) = tokio::time::timeout(AFTER_TERM, self.child.wait()).await {
            return ended.ok();
        }
        self.signal(Signal::KILL);
        self.child.wait().await.ok()
    }

    fn signal(&self, signal: Signal) {
        // The group may be gone already. Its number is not used again while one of it lives, and
        // numbers come round again only after all others.
        let _ = kill_process_group(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
