//! The `wicketgate` command.

use std::process::ExitCode;

use clap::Parser as _;
use wicketgate::cli::Cli;
use wicketgate::command;

fn main() -> ExitCode {
    // Everything that speaks TLS uses this provider; without it the first handshake would panic.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        wicketgate::output::note("TLS was set up twice");
        return ExitCode::FAILURE;
    }
    command::run(Cli::parse())
}
