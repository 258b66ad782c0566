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
/// `initialize`: which server it is (2025-11-25, "Lifecycle").
pub const SERVER_INFO: &str = "serverInfo";
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

/// What a person is shown in place of the name (2025-06-18, "Base Protocol").
pub const TITLE: &str = "title";
/// What a thing is for.
pub const DESCRIPTION: &str = "description";
/// Pictures of a thing (2025-11-25, "Base Protocol").
pub const ICONS: &str = "icons";
/// Where more stands of a client or a server (2025-11-25, "Base Protocol").
pub const WEBSITE_URL: &str = "websiteUrl";
/// Which revision a request has that the server does not speak (2026-07-28, "Error Codes").
pub const REQUESTED: &str = "requested";
/// Which it speaks instead (2026-07-28, "Error Codes").
pub const SUPPORTED: &str = "supported";
/// Which capabilities a client would need (2026-07-28, "Error Codes").
pub const REQUIRED_CAPABILITIES: &str = "requiredCapabilities";

/// Which kind of result it is: one of [`super::result_type`] (2026-07-28, "Base Protocol").
pub const RESULT_TYPE: &str = "resultType";
/// For how many milliseconds a result is fresh (2026-07-28, "Caching").
pub const TTL_MS: &str = "ttlMs";
/// Whom a result may be shown: [`super::cache_scope`] (2026-07-28, "Caching").
pub const CACHE_SCOPE: &str = "cacheScope";
/// Which page of a list is asked for ("Pagination").
pub const CURSOR: &str = "cursor";
/// Under which cursor the list goes on ("Pagination").
pub const NEXT_CURSOR: &str = "nextCursor";

/// What a server asks before it answers (2026-07-28, "Multi Round-Trip Requests").
pub const INPUT_REQUESTS: &str = "inputRequests";
/// What the client says to that (2026-07-28, "Multi Round-Trip Requests").
pub const INPUT_RESPONSES: &str = "inputResponses";
/// What the client brings back as it was given (2026-07-28, "Multi Round-Trip Requests").
pub const REQUEST_STATE: &str = "requestState";

/// The tools of a list ("Tools"), or those that a model may use (2025-11-25, "Sampling").
pub const TOOLS: &str = "tools";
/// The arguments of a tool or a prompt ("Tools", "Prompts").
pub const ARGUMENTS: &str = "arguments";
/// What goes into a tool ("Tools").
pub const INPUT_SCHEMA: &str = "inputSchema";
/// What comes out of a tool (2025-06-18, "Tools").
pub const OUTPUT_SCHEMA: &str = "outputSchema";
/// What a tool says of its effects (2025-03-26, "Tools").
pub const ANNOTATIONS: &str = "annotations";
/// Inside [`ANNOTATIONS`]: whether the tool changes nothing (2025-03-26, "Tools").
pub const READ_ONLY_HINT: &str = "readOnlyHint";
/// Inside [`ANNOTATIONS`]: whether it may undo or delete something (2025-03-26, "Tools").
pub const DESTRUCTIVE_HINT: &str = "destructiveHint";
/// Inside [`ANNOTATIONS`]: whether a second call changes nothing more (2025-03-26, "Tools").
pub const IDEMPOTENT_HINT: &str = "idempotentHint";
/// Inside [`ANNOTATIONS`]: whether it deals with the world outside (2025-03-26, "Tools").
pub const OPEN_WORLD_HINT: &str = "openWorldHint";
/// How a tool runs as a task (2025-11-25, "Tasks").
pub const EXECUTION: &str = "execution";
/// Inside [`EXECUTION`]: whether it has to (2025-11-25, "Tasks").
pub const TASK_SUPPORT: &str = "taskSupport";
/// Blocks of text, sound and so on ("Tools", "Prompts").
pub const CONTENT: &str = "content";
/// The same for programs (2025-06-18, "Tools").
pub const STRUCTURED_CONTENT: &str = "structuredContent";
/// Which kind of block it is ("Tools").
pub const TYPE: &str = "type";
/// The text of a block ("Tools").
pub const TEXT: &str = "text";
/// The media type of a block or a resource ("Resources").
pub const MIME_TYPE: &str = "mimeType";
/// The prompts of a list ("Prompts").
pub const PROMPTS: &str = "prompts";
/// What a prompt says ("Prompts").
pub const MESSAGES: &str = "messages";
/// The resources of a list ("Resources").
pub const RESOURCES: &str = "resources";
/// The forms of addresses of a list ("Resources").
pub const RESOURCE_TEMPLATES: &str = "resourceTemplates";
/// The address of a resource ("Resources").
pub const URI: &str = "uri";

/// How much of the log is sent, or how grave a line of it is: one of [`super::LOG_LEVELS`]
/// ("Logging").
pub const LEVEL: &str = "level";
/// Whether a form or a page is shown: [`super::capability::FORM`] or [`super::capability::URL`]
/// (2025-11-25, "Elicitation").
pub const MODE: &str = "mode";
/// The page that is shown (2025-11-25, "Elicitation").
pub const URL: &str = "url";
/// Under which id the client hears that the page is done with (2025-11-25, "Elicitation").
pub const ELICITATION_ID: &str = "elicitationId";
/// The pages of [`super::URL_ELICITATION_REQUIRED`] (2025-11-25, "Elicitation").
pub const ELICITATIONS: &str = "elicitations";
/// What somebody did with a form or a page (2025-06-18, "Elicitation").
pub const ACTION: &str = "action";
/// Which tools a model must or may use (2025-11-25, "Sampling").
pub const TOOL_CHOICE: &str = "toolChoice";

/// What somebody wants to hear of (2026-07-28, "Subscriptions").
pub const NOTIFICATIONS: &str = "notifications";
/// Of the list of tools (2026-07-28, "Subscriptions").
pub const TOOLS_LIST_CHANGED: &str = "toolsListChanged";
/// Of the list of prompts (2026-07-28, "Subscriptions").
pub const PROMPTS_LIST_CHANGED: &str = "promptsListChanged";
/// Of the list of resources (2026-07-28, "Subscriptions").
pub const RESOURCES_LIST_CHANGED: &str = "resourcesListChanged";
/// Of these resources (2026-07-28, "Subscriptions").
pub const RESOURCE_SUBSCRIPTIONS: &str = "resourceSubscriptions";

/// The wish for a task, or a task itself (2025-11-25, "Tasks").
pub const TASK: &str = "task";
/// The id of a task ("Tasks").
pub const TASK_ID: &str = "taskId";
/// The ids of the tasks to hear of (2026-07-28, extension "Tasks").
pub const TASK_IDS: &str = "taskIds";
