//! One file for each command, and what they share: the configuration, the runtime, exit codes.

mod account;
mod audit;
mod check;
mod demo;
mod demo_server;
mod doctor;
mod grant;
mod health;
mod keys;
mod logging;
mod migrate;
mod private_memory;
mod reload;
mod secret;
mod serve;
mod source;
mod switch;
mod user;

use std::process::ExitCode;

use model::DisabledKind;

use crate::cli::{Cli, Command, ConfigCommand, SecretCommand};
use crate::config::{Problems, REFERENCE};
use crate::output;

/// A mistake in the configuration (`EX_CONFIG` of sysexits).
const CONFIGURATION: u8 = 78;

/// Runs a command to its end.
pub fn run(cli: Cli) -> ExitCode {
    private_memory::keep();
    let outcome = match cli.command {
        Command::Demo(options) => demo::run(&options),
        Command::DemoServer(options) => demo_server::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Config(ConfigCommand::Check(options)) => check::check(&options),
        Command::Config(ConfigCommand::Show(options)) => check::show(&options),
        Command::Config(ConfigCommand::Reference) => {
            output::result(REFERENCE.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Secret(SecretCommand::Generate) => {
            secret::generate();
            Ok(ExitCode::SUCCESS)
        }
        Command::Migrate(options) => migrate::run(&options),
        Command::Keys(command) => keys::run(&command),
        Command::Account(command) => account::run(&command),
        Command::User(command) => user::run(&command),
        Command::Grant(command) => grant::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Client(command) => switch::run(DisabledKind::Client, &command),
        Command::Organization(command) => switch::run(DisabledKind::Organization, &command),
        Command::Provider(command) => switch::run(DisabledKind::Provider, &command),
        Command::Server(command) => switch::run(DisabledKind::Server, &command),
        Command::Doctor(options) => doctor::run(&options),
        Command::Health(options) => health::run(&options),
    };
    outcome.unwrap_or_else(|error| report(&error))
}

/// Prints an error with its causes, one per line for configuration mistakes.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        output::note(problems);
        return ExitCode::from(CONFIGURATION);
    }
    output::note(format!("wicketgate: {error:#}"));
    // A key that does not open is the operator's to mend, like any other mistake in the file.
    let configuration = error.chain().any(|cause| {
        matches!(cause.downcast_ref::<auth::StartError>(), Some(auth::StartError::Keys(_)))
    });
    if configuration { ExitCode::from(CONFIGURATION) } else { ExitCode::FAILURE }
}

/// Runs what a command does, and waits for nothing else: a question to a name server cannot be taken
/// back, and a silent one would hold the process for as long as the system is patient.
fn run_to_end<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(outcome)
}

/// The asynchronous runtime of a command. A server's connections have runtimes of their own.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// O9: what a command gave up on, such as a name server that is silent, does not hold its end.
    #[test]
    fn a_command_ends_with_its_work() {
        let (release, released) = mpsc::channel::<()>();
        let ended = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&ended);
        run_to_end(async {
            tokio::task::spawn_blocking(move || {
                released.recv_timeout(Duration::from_secs(10)).ok();
                silent.store(true, Ordering::SeqCst);
            });
        })
        .expect("a runtime");
        assert!(!ended.load(Ordering::SeqCst), "it waited");
        drop(release);
    }
}
