//! The command line. `--help` is the first page of the documentation.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Role;

/// Lets MCP clients such as Claude, ChatGPT, Cursor and VS Code reach your MCP servers through
/// your own sign-in, with exactly the rights that each person has.
///
/// Try it: `wicketgate demo`. Run it: write a file like the one that `wicketgate config reference`
/// prints, then `wicketgate config check` and `wicketgate serve`.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process on this computer, with three invented people and a demo server
    Demo(Demo),
    /// The demo's MCP server alone, without any sign-in
    DemoServer(DemoServer),
    /// The server. Ready when standard error says `listening on URL`; SIGTERM drains it
    Serve(Serve),
    /// Check, show or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make secrets for the configuration
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Bring the database schema up to date; `serve` does it too
    Migrate(Migrate),
    /// The keys that tokens are signed with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Ask a running server whether it can serve; for container health checks
    Health(Health),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to listen; loopback only, because anybody can sign in as anybody
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where the demo keeps its database and keys
    #[arg(long, default_value = "data/demo", value_name = "DIR")]
    pub data: PathBuf,
    /// The most that anybody can be granted, to try a read-only deployment
    #[arg(
        long,
        default_value = "mcp:read mcp:write mcp:process_admin mcp:admin",
        value_name = "SCOPES"
    )]
    pub allowed_scopes: String,
}

/// Options of `demo-server`.
#[derive(Debug, Args)]
pub struct DemoServer {
    /// Where to listen; loopback only, because it believes identity headers
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Which parts to run in this process
    #[arg(long, value_enum, default_value = "all")]
    pub role: RoleName,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file [default: `$WICKETGATE_CONFIG`, or config/wicketgate.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Find every mistake at once; exit code 78 if there is one
    Check(Serve),
    /// Print the effective values, secrets masked, and where each came from
    Show(Serve),
    /// Print every key with its default and meaning
    Reference,
}

/// What to make.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Print a fresh 32-byte key in base64
    Generate,
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Only say whether anything is to be done; exit code 1 if so
    #[arg(long)]
    pub check: bool,
}

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the signing keys and their states
    List(KeysList),
}

/// Options of `keys list`.
#[derive(Debug, Args)]
pub struct KeysList {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// The server's public URL
    #[arg(default_value = "http://127.0.0.1:8787", value_name = "URL")]
    pub url: String,
}

/// A role as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// Authorization server and sidecar
    All,
    /// The authorization server
    Auth,
    /// The sidecar, without a database
    Mcp,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::All => Self::All,
            RoleName::Auth => Self::Auth,
            RoleName::Mcp => Self::Mcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
