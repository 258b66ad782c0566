//! Nobody but root looks into this process.

/// Keeps other programs of the same user out of this process's environment and memory, both of
/// which hold secrets: MCP servers that run as children are such programs. On Linux the process
/// becomes non-dumpable (`PR_SET_DUMPABLE`, proc(5)), which also means no core dump; a child that
/// is started later is an ordinary process again. Other systems do not show them to begin with.
pub(super) fn keep() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            crate::output::note(format!(
                "wicketgate: other programs of this user can read this process's memory ({error})"
            ));
        }
    }
}
