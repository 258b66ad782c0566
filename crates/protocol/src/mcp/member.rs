//! Names of members of parameters and results. The members of a message itself are JSON-RPC's:
//! [`crate::jsonrpc::member`].

/// What is said beside the parameters or the result ("Base Protocol").
pub const META: &str = "_meta";

/// `initialize`: the revision that is offered, and then the one that is agreed on (2025-11-25,
/// "Lifecycle").
pub const PROTOCOL_VERSION: &str = "protocolVersion";
/// `initialize`: what a client, or a server, can do (2025-11-25, "Lifecycle").
pub const CAPABILITIES: &str = "capabilities";
/// `initialize`: which client it is (2025-11-25, "Lifecycle").
pub const CLIENT_INFO: &str = "clientInfo";
/// What a server tells the model of itself ("Lifecycle", "Discover").
pub const INSTRUCTIONS: &str = "instructions";
/// `server/discover`: the revisions that a server speaks (2026-07-28, "Discover").
pub const SUPPORTED_VERSIONS: &str = "supportedVersions";

/// The name of a client, a server, a tool or a prompt.
pub const NAME: &str = "name";
/// The version of a client or a server.
pub const VERSION: &str = "version";

/// Which request is getting on: the sender's own mark for it ("Progress").
pub const PROGRESS_TOKEN: &str = "progressToken";
/// Which request is cancelled ("Cancellation").
pub const REQUEST_ID: &str = "requestId";
/// Why it is cancelled ("Cancellation").
pub const REASON: &str = "reason";
