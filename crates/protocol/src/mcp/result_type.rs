//! What [`resultType`](super::member::RESULT_TYPE) may say (2026-07-28, "Base Protocol").

/// This is the answer.
pub const COMPLETE: &str = "complete";
/// The server has questions first ("Multi Round-Trip Requests").
pub const INPUT_REQUIRED: &str = "input_required";
/// The answer will come as a task (extension "Tasks").
pub const TASK: &str = "task";
