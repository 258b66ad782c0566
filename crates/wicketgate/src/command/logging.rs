//! Where the log goes and how much of it there is.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::compose::panics;

/// Our crates; libraries speak from warnings on.
const OURS: [&str; 6] = ["wicketgate", "auth", "mcp", "store", "net", "sso"];

/// Writes to standard error from now on, panics included. Control characters are escaped by the
/// formatter.
pub(super) fn init(level: LevelFilter, json: bool) {
    let libraries = level.min(LevelFilter::WARN);
    let targets =
        Targets::new().with_default(libraries).with_targets(OURS.map(|target| (target, level)));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let layer = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.compact().with_ansi(false).boxed()
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).try_init().ok();
    panics::report_in_log();
}
