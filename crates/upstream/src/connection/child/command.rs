//! How a child is started: no shell, nothing inherited but what is named.

use std::io;
use std::process::Stdio;

use protocol::caller;
use tokio::process::{Child, Command};

use crate::ChildConfig;
use crate::connection::Caller;

/// What a child that serves one principal may know of it. All of these are the same for every
/// token of the principal. The scopes are not among them: they differ from token to token, and
/// the policy has already applied them.
const IDENTITY: [(&str, &str); 4] = [
    (caller::SUBJECT, "WICKETGATE_SUBJECT"),
    (caller::USER_TYPE, "WICKETGATE_USER_TYPE"),
    (caller::CLIENT, "WICKETGATE_CLIENT"),
    (caller::ORGANIZATION, "WICKETGATE_ORGANIZATION"),
];

pub(super) fn spawn(config: &ChildConfig, caller: &Caller) -> io::Result<Child> {
    let Some((program, arguments)) = config.command.split_first() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(config.environment.iter().map(|(name, value)| (name, value.reveal())));
    if !config.shared_by_everyone {
        command.envs(identity(caller));
    }
    if let Some(directory) = &config.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Its own group, so that a signal to us is not one to it, and one to it reaches its family.
    command.process_group(0).kill_on_drop(true);
    command.spawn()
}

/// What to look at where a program could not be started. The operating system's own words do not say
/// whether the program is missing or its directory is.
pub(super) fn hint(config: &ChildConfig, error: &io::Error) -> &'static str {
    if config.directory.as_ref().is_some_and(|directory| !directory.is_dir()) {
        return "its directory is not there";
    }
    match error.kind() {
        io::ErrorKind::NotFound => "install the program, or write its whole path into `command`",
        io::ErrorKind::PermissionDenied => "the file or its directory may not be used by our user",
        _ => "see the operating system's words",
    }
}

/// Who makes it start, for the log.
pub(super) fn subject(caller: &Caller) -> String {
    let subject = identity(caller).find(|(name, _)| *name == "WICKETGATE_SUBJECT");
    subject.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn identity(caller: &Caller) -> impl Iterator<Item = (&'static str, &str)> {
    caller.identity.iter().filter_map(|(header, value)| {
        let (_, name) = IDENTITY.iter().find(|(known, _)| header == known)?;
        Some((*name, value.to_str().ok()?))
    })
}
