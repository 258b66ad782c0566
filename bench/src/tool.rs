//! What the upstream and the driver agree on.

use std::time::Duration;

/// A tool with an answer of about 200 bytes.
pub(crate) const SMALL: &str = "find_records";
/// A tool with an answer of 100 KB.
pub(crate) const LARGE: &str = "export_records";
/// A tool that reports progress.
pub(crate) const PROGRESS: &str = "count_records";
/// The same with pauses, to see that the events come one by one.
pub(crate) const SLOW: &str = "count_records_slowly";

/// A tool with an answer of 10 MB.
pub(crate) const HUGE: &str = "export_everything";
/// What can be subscribed to: it changes again and again, and each change has the next number.
pub(crate) const TICKS: &str = "bench://ticks";
/// The time between two changes.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// Bytes of text in the small answer.
pub(crate) const SMALL_TEXT: usize = 120;
/// Bytes of text in the large answer.
pub(crate) const LARGE_TEXT: usize = 100_000;
/// Bytes of text in the largest answer.
pub(crate) const HUGE_TEXT: usize = 10_000_000;
/// Progress events of one call.
pub(crate) const EVENTS: usize = 10;
/// Tools at `/mcp`.
pub(crate) const FEW: usize = 20;
/// Tools at `/big`.
pub(crate) const MANY: usize = 1000;
