//! Headers of ours that replicas send to each other.

/// Marks what was handed over: `1` once, `2` from the home of a session on to where its requests run.
pub const HANDED_OVER: &str = "x-wicketgate-handed-over";
/// Names the replica at which a request of a session runs, sealed: nobody else can name one.
pub const VISITOR: &str = "x-wicketgate-visitor";
/// The log level that the home of a session knows of.
pub const LOG_LEVEL: &str = "x-wicketgate-log-level";
