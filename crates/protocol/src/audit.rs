//! What a sidecar reports to the authorization server, which keeps the record.

use serde::{Deserialize, Serialize};

/// Where a sidecar that runs apart posts its reports, below the issuer.
pub const REPORT_PATH: &str = "/audit/calls";

/// How many entries one report may hold.
pub const MAX_REPORT_ENTRIES: usize = 2048;

/// The most bytes that a report is read from.
pub const MAX_REPORT_BYTES: usize = 4 << 20;

/// What happened since the last report, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// At most [`MAX_REPORT_ENTRIES`].
    pub entries: Vec<Entry>,
}

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A call that was let through, or something that was denied.
    Call(Box<CallEntry>),
    /// Entries that there was no room for.
    Gap(Gap),
}

/// One call. It never holds a token, arguments or a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEntry {
    /// Milliseconds since the epoch at which the request came.
    pub at: i64,
    /// The id that the access log gives the same request.
    pub request: String,
    /// Whether it was let through.
    pub allowed: bool,
    /// The MCP server.
    pub server: String,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The organization that the person acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The JSON-RPC method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, prompt or resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was decided.
    pub decision: String,
    /// What decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often it happened alike, if this stands for several refusals of nobody in particular;
    /// `at` is then the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Milliseconds since the epoch of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
}

/// Entries that were not kept, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Milliseconds since the epoch at which the first of them came.
    pub since: i64,
    /// And the last.
    pub until: i64,
    /// Calls that were let through.
    pub calls: u64,
    /// Denials.
    pub denials: u64,
}
