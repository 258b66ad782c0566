//! SIGHUP: the log level and the servers are read again, while requests run.

use kernel::encoding::sha256_base64url;
use kernel::{Clock as _, SystemClock};
use model::{AuditEvent, AuditKind};
use store::unit::RecordCalls;
use tokio::signal::unix::Signal;

use super::logging::Log;
use super::{serve, source};
use crate::cli::Serve;
use crate::compose::Running;
use crate::config::{self, Fingerprint, Loaded, Problems, Shown};

/// What is read again, and how it is told.
pub(super) struct Reload<'a> {
    pub(super) options: &'a Serve,
    pub(super) log: &'a Log,
    /// Whether the log is JSON.
    pub(super) json: bool,
    /// What the process was started with.
    pub(super) started_with: Fingerprint,
    /// The name of its settings in the record, as [`settings_id`] makes it.
    pub(super) settings_id: String,
}

impl Reload<'_> {
    /// Reads again at each signal.
    pub(super) async fn at_each(&self, hangup: &mut Signal, running: &Running) {
        record(running, "start", &self.settings_id).await;
        while hangup.recv().await.is_some() {
            self.log_level();
            if let Some(id) = self.servers(running) {
                record(running, "reload", &id).await;
            }
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
    /// that it waits for a restart. What was taken up has a name for the record.
    fn servers(&self, running: &Running) -> Option<String> {
        let loaded = match self.load() {
            Ok(loaded) => loaded,
            Err(error) => {
                self.refused(&error);
                return None;
            }
        };
        let changes = match running.replace_servers(&loaded.settings) {
            Ok(changes) => changes,
            Err(error) => {
                self.refused(&error);
                return None;
            }
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
        Some(settings_id(&loaded.shown))
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

/// Names settings in the record (LG-1): equal names mean equal values. Secrets count as they are shown,
/// which is masked, so nothing about them can be tried out at the name.
pub(super) fn settings_id(shown: &[Shown]) -> String {
    let lines: Vec<String> =
        shown.iter().map(|Shown { key, value, .. }| format!("{key} = {value}")).collect();
    let mut id = sha256_base64url(lines.join("\n").as_bytes());
    id.truncate(16);
    id
}

/// Notes in the record what the process runs with. It runs whether that can be noted or not.
async fn record(running: &Running, why: &str, settings_id: &str) {
    let Some(store) = running.store() else { return };
    let detail = format!("{why} {settings_id}");
    let event = AuditEvent::new(AuditKind::ConfigurationLoaded, SystemClock.now());
    let unit = RecordCalls { events: vec![AuditEvent { detail, ..event }] };
    if let Err(error) = store.write(unit).await {
        tracing::warn!(%error, "that the configuration was read could not be put on record");
    }
}
