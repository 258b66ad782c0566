//! What every request at an MCP endpoint passes before anything in it is read.

pub(crate) mod bearer;
pub(crate) mod host;
pub(crate) mod origin;
