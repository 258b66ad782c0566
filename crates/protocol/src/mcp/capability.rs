//! Names of what clients and servers say that they can do, inside
//! [`capabilities`](super::member::CAPABILITIES). The way to one inside another has a dot.

/// Client: somebody can be asked ("Elicitation", since 2025-06-18).
pub const ELICITATION: &str = "elicitation";
/// Inside [`ELICITATION`]: with a form (2025-11-25, "Elicitation").
pub const FORM: &str = "form";
/// Inside [`ELICITATION`]: with a page to visit (2025-11-25, "Elicitation").
pub const URL: &str = "url";
/// Client: a model can be asked ("Sampling").
pub const SAMPLING: &str = "sampling";
/// Inside [`SAMPLING`]: it may be given what servers know (2025-11-25, "Sampling").
pub const CONTEXT: &str = "context";
/// Client: it says which folders may be worked in ("Roots").
pub const ROOTS: &str = "roots";

/// Server: it has tools ("Tools"). Inside [`SAMPLING`]: the model may use tools (2025-11-25,
/// "Sampling").
pub const TOOLS: &str = "tools";
/// Server: it has prompts ("Prompts").
pub const PROMPTS: &str = "prompts";
/// Server: it has resources ("Resources").
pub const RESOURCES: &str = "resources";
/// Inside [`TOOLS`], [`PROMPTS`] and [`RESOURCES`]: it tells when the list changes.
pub const LIST_CHANGED: &str = "listChanged";
/// Inside [`RESOURCES`]: it tells when one changes (2025-11-25, "Resources").
pub const SUBSCRIBE: &str = "subscribe";
/// Server: it sends its log ("Logging").
pub const LOGGING: &str = "logging";
/// Server: it knows how arguments might go on ("Completion", since 2025-03-26).
pub const COMPLETIONS: &str = "completions";

/// The way to [`LIST_CHANGED`] of [`TOOLS`].
pub const TOOLS_LIST_CHANGED: &str = "tools.listChanged";
/// The way to [`LIST_CHANGED`] of [`PROMPTS`].
pub const PROMPTS_LIST_CHANGED: &str = "prompts.listChanged";
/// The way to [`LIST_CHANGED`] of [`RESOURCES`].
pub const RESOURCES_LIST_CHANGED: &str = "resources.listChanged";
/// The way to [`SUBSCRIBE`] of [`RESOURCES`].
pub const RESOURCES_SUBSCRIBE: &str = "resources.subscribe";

/// Either: calls may go on as tasks (2025-11-25, "Tasks").
pub const TASKS: &str = "tasks";
/// Inside [`TASKS`]: they can be listed (2025-11-25, "Tasks").
pub const LIST: &str = "list";
/// Either: what goes beyond the core (2026-07-28, "Extensions").
pub const EXTENSIONS: &str = "extensions";
