//! SIGHUP: the log level and the servers are read again, while requests run.

use tokio::signal::unix::Signal;

use super::logging::Log;
use super::{serve, source};
use crate::cli::Serve;
use crate::compose::Running;
use crate::config::{self, Fingerprint, Loaded, Problems};

/// What is read again, and how it is told.
pub(super) struct Reload<'a> {
    pub(super) options: &'a Serve,
    pub(super) log: &'a Log,
    /// Whether the log is JSON.
    pub(super) json: bool,
    /// What the process was started with.
    pub(super) started_with: Fingerprint,
}

impl Reload<'_> {
    /// Reads again at each signal.
    pub(super) async fn at_each(&self, hangup: &mut Signal, running: &Running) {
        while hangup.recv().await.is_some() {
            self.log_level();
            self.servers(running);
        }
    }

    /// Reads how much is to be logged. A mistake elsewhere in the file does not matter to it.
    fn log_level(&self) {
        let read = || -> anyhow::Result<_> {
            let level = config::log_level(&source::collect(&self.options.config)?)?;
            self.log.set_level(level)?;
            Ok(level)
        };
        match read() {
            Ok(level) => self.say(&format!("mcp.diagnostic_log_level is {level} now")),
            Err(error) => {
                self.warn(&format!("mcp.diagnostic_log_level was not changed: {error:#}"));
            }
        }
    }

    /// Reads `[[mcp.server]]`. The whole file has to be right, and of everything else it is said
    /// that it waits for a restart.
    fn servers(&self, running: &Running) {
        let loaded = match self.load() {
            Ok(loaded) => loaded,
            Err(error) => return self.refused(&error),
        };
        let changes = match running.replace_servers(&loaded.settings) {
            Ok(changes) => changes,
            Err(error) => return self.refused(&error),
        };
        for advice in loaded.advice.iter().filter(|advice| advice.key.starts_with("mcp.server")) {
            tracing::warn!(key = advice.key, fix = advice.fix, "worth a look: {}", advice.reason);
        }
        let named = [
            ("added", &changes.added),
            ("changed", &changes.changed),
            ("removed", &changes.removed),
        ];
        let named = named.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> =
            named.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
        let what = if parts.is_empty() { "unchanged".to_owned() } else { parts.join("; ") };
        self.say(&format!("mcp.server was read again: {what}"));
        let waiting = self.started_with.restart_needed_for(&loaded.fingerprint);
        if !waiting.is_empty() {
            let waiting = waiting.join(", ");
            self.warn(&format!("other parts of the configuration changed; restart for: {waiting}"));
        }
    }

    fn load(&self) -> anyhow::Result<Loaded> {
        let source = source::collect(&self.options.config)?;
        Ok(config::load(&source, self.options.role.into())?)
    }

    /// Says why nothing was changed: every mistake, one per line.
    fn refused(&self, error: &anyhow::Error) {
        let reasons = match error.downcast_ref::<Problems>() {
            Some(Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
            None => vec![format!("{error:#}")],
        };
        for reason in reasons {
            self.warn(&format!("mcp.server was not changed: {reason}"));
        }
    }

    fn say(&self, text: &str) {
        serve::say(self.json, text);
    }

    fn warn(&self, text: &str) {
        serve::warn(self.json, text);
    }
}
