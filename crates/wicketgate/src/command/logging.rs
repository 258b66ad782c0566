//! Where the log goes and how much of it there is.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

use crate::compose::panics;
use crate::output::access::{Form, Quick};
use crate::output::lines;

/// Our crates; libraries speak from warnings on.
const OURS: [&str; 6] = ["wicketgate", "auth", "mcp", "store", "net", "sso"];

/// What libraries say with a secret in it: a parameter of the database's URL with its value, a line
/// of `.pgpass`.
const TALKATIVE: [&str; 2] = ["sqlx_postgres::options::parse", "sqlx_postgres::options::pgpass"];

/// The log of this process. Dropping it writes the last lines.
pub(super) struct Log {
    targets: reload::Handle<Targets, Registry>,
    _rest: lines::Rest,
}

/// Writes to standard error from now on, panics included. Control characters are escaped by the
/// formatter.
pub(super) fn init(level: LevelFilter, json: bool) -> Log {
    let (writer, rest) = lines::start(std::io::stderr());
    let (filter, targets) = reload::Layer::new(targets(level));
    let lines = fmt::layer().with_ansi(false).with_writer(writer);
    let usual = fmt::format().with_ansi(false);
    let layer = if json {
        let format = Quick::instead_of(usual.json().flatten_event(true), Form::Json);
        lines.json().event_format(format).boxed()
    } else {
        lines.event_format(Quick::instead_of(usual.compact(), Form::Text)).boxed()
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().ok();
    panics::report_in_log();
    Log { targets, _rest: rest }
}

impl Log {
    /// Changes how much is logged from now on.
    pub(super) fn set_level(&self, level: LevelFilter) -> anyhow::Result<()> {
        Ok(self.targets.reload(targets(level))?)
    }
}

fn targets(level: LevelFilter) -> Targets {
    let libraries = level.min(LevelFilter::WARN);
    Targets::new()
        .with_default(libraries)
        .with_targets(OURS.map(|target| (target, level)))
        .with_targets(TALKATIVE.map(|target| (target, LevelFilter::OFF)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// Whatever is asked for, a password is not.
    #[test]
    fn no_level_lets_a_library_say_a_secret() {
        let everything = targets(LevelFilter::TRACE);
        assert!(everything.would_enable("sqlx_postgres::connection", &Level::WARN));
        for module in TALKATIVE {
            assert!(!everything.would_enable(module, &Level::ERROR), "{module}");
        }
    }
}
