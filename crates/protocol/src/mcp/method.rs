//! Names of requests. What each needs, [`super::Method`] says.

/// Opens a session (2025-11-25, "Lifecycle").
pub const INITIALIZE: &str = "initialize";
/// Asks for a sign of life (2025-11-25, "Ping").
pub const PING: &str = "ping";
/// Asks what a server can do, without a session (2026-07-28, "Discover").
pub const SERVER_DISCOVER: &str = "server/discover";
/// Asks for a stream of news that stays open (2026-07-28, "Subscriptions").
pub const SUBSCRIPTIONS_LISTEN: &str = "subscriptions/listen";
/// Says how much of its log the server is to send (2025-11-25, "Logging").
pub const LOGGING_SET_LEVEL: &str = "logging/setLevel";

/// Lists the tools ("Tools").
pub const TOOLS_LIST: &str = "tools/list";
/// Calls a tool ("Tools").
pub const TOOLS_CALL: &str = "tools/call";
/// Lists the prompts ("Prompts").
pub const PROMPTS_LIST: &str = "prompts/list";
/// Fills in a prompt ("Prompts").
pub const PROMPTS_GET: &str = "prompts/get";
/// Lists the resources ("Resources").
pub const RESOURCES_LIST: &str = "resources/list";
/// Reads a resource ("Resources").
pub const RESOURCES_READ: &str = "resources/read";
/// Lists the forms that addresses of resources have ("Resources").
pub const RESOURCES_TEMPLATES_LIST: &str = "resources/templates/list";
/// Asks to be told when a resource changes (2025-11-25, "Resources").
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// Takes that back (2025-11-25, "Resources").
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// Asks how an argument might go on ("Completion").
pub const COMPLETION_COMPLETE: &str = "completion/complete";

/// Asks how a task is getting on ("Tasks").
pub const TASKS_GET: &str = "tasks/get";
/// Waits for the result of a task (2025-11-25, "Tasks").
pub const TASKS_RESULT: &str = "tasks/result";
/// Gives a task what it asked for (2026-07-28, extension "Tasks").
pub const TASKS_UPDATE: &str = "tasks/update";
/// Gives up a task ("Tasks").
pub const TASKS_CANCEL: &str = "tasks/cancel";

/// The server has a person fill in a form or visit a page (2025-06-18, "Elicitation").
pub const ELICITATION_CREATE: &str = "elicitation/create";
/// The server has the client's model write something ("Sampling").
pub const SAMPLING_CREATE_MESSAGE: &str = "sampling/createMessage";
/// The server asks in which folders it may work ("Roots").
pub const ROOTS_LIST: &str = "roots/list";
