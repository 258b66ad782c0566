//! Whether the program of a child can be found, without starting it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::ChildConfig;

/// As the operating system will look for it: a name with a slash from the child's directory, and
/// any other in the child's `PATH`.
pub fn is_there(config: &ChildConfig) -> bool {
    let Some(program) = config.command.first() else { return false };
    let directory = config.directory.as_deref().unwrap_or(Path::new("."));
    if program.contains('/') {
        return is_executable(&directory.join(program));
    }
    let path = config.environment.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.reveal()).unwrap_or_default();
    path.split(':').any(|place| is_executable(&directory.join(place).join(program)))
}

fn is_executable(file: &Path) -> bool {
    let found = std::fs::metadata(file);
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
