//! Names of the members of a message and of its error (JSON-RPC 2.0 §4 and §5).

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

/// All members of a message.
pub const ENVELOPE: [&str; 6] = [JSONRPC, ID, METHOD, PARAMS, RESULT, ERROR];

/// Of an error: which one it is (JSON-RPC 2.0 §5.1).
pub const CODE: &str = "code";
/// Of an error: what it says (JSON-RPC 2.0 §5.1).
pub const MESSAGE: &str = "message";
/// Of an error: what else there is to know (JSON-RPC 2.0 §5.1).
pub const DATA: &str = "data";
