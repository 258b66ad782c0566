//! D-41: tasks of 2025-11-25. They and the modern tasks are different things on the wire, so
//! tools that run only as tasks cannot be called, and are not listed.

use protocol::mcp::member;
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

/// A list of tools without those that need a task, and without a word of tasks.
pub(super) fn without_tasks(tools: &RawValue) -> Option<String> {
    let tools: Vec<&RawValue> = serde_json::from_str(tools.get()).ok()?;
    let mut kept = String::from("[");
    for tool in tools {
        let Ok(members) = Members::read(tool.get()) else { continue };
        if needs_task(&members) {
            continue;
        }
        if kept.len() > 1 {
            kept.push(',');
        }
        if members.get(member::EXECUTION).is_some() {
            let mut object = Object::with_capacity(tool.get().len());
            kept.push_str(&{
                object.members(&members, |name| name != member::EXECUTION);
                object.finish()
            });
        } else {
            kept.push_str(tool.get());
        }
    }
    kept.push(']');
    Some(kept)
}

fn needs_task(tool: &Members<'_>) -> bool {
    let execution = Members::of(tool.get(member::EXECUTION));
    execution
        .is_ok_and(|execution| execution.text(member::TASK_SUPPORT).as_deref() == Some("required"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-41: hidden where required, unmentioned elsewhere.
    #[test]
    fn d_41_tasks_are_not_mentioned() {
        let tools = concat!(
            r#"[{"name":"a", "x":1.0},{"name":"b","execution":{"taskSupport":"required"}},"#,
            r#"{"execution":{"taskSupport":"optional"},"name":"c"}, 7]"#
        );
        let tools: &RawValue = serde_json::from_str(tools).unwrap();
        assert_eq!(without_tasks(tools).unwrap(), r#"[{"name":"a", "x":1.0},{"name":"c"}]"#);
        assert_eq!(without_tasks(serde_json::from_str("{}").unwrap()), None);
    }
}
