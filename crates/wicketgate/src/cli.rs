//! The command line. `--help` is the first page of the documentation.

mod audit;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::audit::{AuditCommand, AuditExport, AuditFilter, AuditTail};
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
    /// Run everything in one process on this computer, with three invented people and a demo server
    Demo(Demo),
    /// Run the demo's MCP server alone, without any sign-in
    DemoServer(DemoServer),
    /// Run the server. It is ready when standard error says `listening on URL`; SIGTERM lets running
    /// requests finish and stops it
    Serve(Serve),
    /// Check, show or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make secrets for the configuration
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Bring the database schema up to date; `serve` does it too
    Migrate(Migrate),
    /// List, replace and revoke the keys that tokens are signed with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Manage accounts of people who sign in here with a password
    #[command(subcommand)]
    Account(AccountCommand),
    /// List and disable people who have signed in, whatever way they came
    #[command(subcommand)]
    User(UserCommand),
    /// List what people granted to clients, and revoke it
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Read the record of what happened: sign-ins, consents, tokens, revocations, calls, denials
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Switch a client off, wherever it is registered: its connections end everywhere within seconds
    #[command(subcommand)]
    Client(SwitchCommand),
    /// Switch an organization off: nobody can act for it, and what was granted for it ends
    #[command(subcommand)]
    Organization(SwitchCommand),
    /// Switch an identity provider off: its people are signed out, and what they granted ends
    #[command(subcommand)]
    Provider(SwitchCommand),
    /// Switch an MCP server off: no token is good for it
    #[command(subcommand)]
    Server(SwitchCommand),
    /// Ask each identity provider whether sign-in can work, and print the URLs to register there
    Doctor(Doctor),
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

/// Options of `config check` and `config show`.
#[derive(Debug, Args)]
pub struct Configured {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Whose configuration this is
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
    Check(Configured),
    /// Print the effective values, secrets masked, and where each came from
    Show(Configured),
    /// Print every key with its default and meaning
    Reference,
}

/// What to make.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Print a new random key (32 bytes, base64)
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
    List(Listing),
    /// Publish a new key; it signs two hours later, when everybody knows it, and nobody notices
    Rotate(KeysOptions),
    /// Take out a key that somebody else may have: every access token that it signed ends within
    /// seconds, and clients refresh. Browser sessions and refresh tokens stay
    Revoke(Named),
    /// Seal everything under `oauth.key_encryption_key` that is sealed under an older one. It can be cut
    /// short and run again
    Reseal(KeysOptions),
    /// Begin with a new signing key when the key-encryption key is lost: access tokens end, one-time
    /// codes of local accounts have to be set again, and providers cannot be asked about people until
    /// they sign in
    Reset(KeysReset),
}

/// Options of `keys rotate` and `keys reseal`.
#[derive(Debug, Args)]
pub struct KeysOptions {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `keys reset`.
#[derive(Debug, Args)]
pub struct KeysReset {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Do it; without this the command only says what would be lost
    #[arg(long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of commands that list something.
#[derive(Debug, Args)]
pub struct Listing {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with local accounts. A running server notices each change at once.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; its password is asked for, or read as one line from standard input
    Add(AccountAdd),
    /// Set a new password, as for `add`; ends the lock and the person's sessions
    Password(AccountName),
    /// Turn on one-time codes; prints the secret once, as an otpauth:// URI
    Totp(AccountTotp),
    /// List the accounts and who of them is locked or disabled
    List(Listing),
    /// Keep somebody out: ends sessions, and disconnects their MCP clients
    Disable(AccountName),
    /// Let somebody in again, and end a lock
    Enable(AccountName),
}

/// Options of `account add`.
#[derive(Debug, Args)]
pub struct AccountAdd {
    /// Which account, and where the configuration is.
    #[command(flatten)]
    pub account: AccountName,
    /// The name to show [default: the user name]
    #[arg(long)]
    pub name: Option<String>,
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// A group that rules may name; can be repeated
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
}

/// A user name, and where the configuration is.
#[derive(Debug, Args)]
pub struct AccountName {
    /// What the person types to sign in; capital letters make no difference
    #[arg(value_name = "USERNAME")]
    pub username: String,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
}

/// Options of `account totp`.
#[derive(Debug, Args)]
pub struct AccountTotp {
    /// Which account, and where the configuration is.
    #[command(flatten)]
    pub account: AccountName,
    /// Take the one-time codes away, for a lost phone
    #[arg(long)]
    pub remove: bool,
}

/// What to do with people.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List everybody who ever signed in
    List(Listing),
    /// Keep somebody out: ends sessions, and disconnects their MCP clients
    Disable(UserId),
    /// Let somebody in again
    Enable(UserId),
}

/// What to do with grants.
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// List what is granted now, the newest first
    List(GrantList),
    /// End one: its tokens are worth nothing any more, within seconds
    Revoke(Named),
}

/// Options of `grant list`.
#[derive(Debug, Args)]
pub struct GrantList {
    /// Only of this person, by the id that `user list` shows
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Only to this client
    #[arg(long, value_name = "ID")]
    pub client: Option<String>,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with things that can be switched off. Running servers notice within two seconds.
#[derive(Debug, Subcommand)]
pub enum SwitchCommand {
    /// List those that are switched off
    List(Listing),
    /// Switch one off, and end everything that was granted with it
    Disable(Named),
    /// Switch one on again; what ended stays ended
    Enable(Named),
}

/// One thing, and where the configuration is.
#[derive(Debug, Args)]
pub struct Named {
    /// Its id, or its name where it has no id
    #[arg(value_name = "ID")]
    pub name: String,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A person, and where the configuration is.
#[derive(Debug, Args)]
pub struct UserId {
    /// The person's id, as `user list` shows it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `doctor`. It signs nobody in and changes nothing; exit code 1 if sign-in cannot work.
#[derive(Debug, Args)]
pub struct Doctor {
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
    /// The server's URL; /ready is asked below it
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
