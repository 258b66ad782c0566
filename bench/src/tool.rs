//! What the server behind and the driver agree on.

/// A tool with an answer of about 200 bytes.
pub(crate) const SMALL: &str = "find_records";
/// A tool with an answer of 100 KB.
pub(crate) const LARGE: &str = "export_records";
/// A tool that reports progress.
pub(crate) const PROGRESS: &str = "count_records";
/// The same with pauses, to see that the events come one by one.
pub(crate) const SLOW: &str = "count_records_slowly";

/// Bytes of text in the small answer.
pub(crate) const SMALL_TEXT: usize = 120;
/// Bytes of text in the large answer.
pub(crate) const LARGE_TEXT: usize = 100_000;
/// Progress events of one call.
pub(crate) const EVENTS: usize = 10;
/// Tools at `/mcp`.
pub(crate) const FEW: usize = 20;
/// Tools at `/big`.
pub(crate) const MANY: usize = 1000;
