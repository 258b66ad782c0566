//! Names of the members of a message (JSON-RPC 2.0 §4 and §5).

/// Says that the message is one of JSON-RPC 2.0.
pub const JSONRPC: &str = "jsonrpc";
/// Which request a message is, or answers.
pub const ID: &str = "id";
/// What is asked for, or told.
pub const METHOD: &str = "method";
/// With which particulars.
pub const PARAMS: &str = "params";
/// What a request came to.
pub const RESULT: &str = "result";
/// What went wrong with it.
pub const ERROR: &str = "error";

/// All of them.
pub const ENVELOPE: [&str; 6] = [JSONRPC, ID, METHOD, PARAMS, RESULT, ERROR];
