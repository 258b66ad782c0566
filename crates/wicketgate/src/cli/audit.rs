//! The arguments of `wicketgate audit`.

use clap::{Args, Subcommand};

use super::ConfigFile;

/// What to do with the record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the last records, one a line, the newest last; those of one story share `txn` and `grant`
    Tail(AuditTail),
    /// Print every record as a line of JSON, the oldest first. It needs little memory however many there
    /// are, and can go on where an earlier one ended: `--since` is included, `--until` too
    Export(AuditExport),
}

/// Options of `audit tail`.
#[derive(Debug, Args)]
pub struct AuditTail {
    /// How many
    #[arg(long, short = 'n', default_value = "20", value_name = "N")]
    pub lines: usize,
    /// Go on and print what comes, until the command is interrupted
    #[arg(long, short)]
    pub follow: bool,
    /// Which.
    #[command(flatten)]
    pub filter: AuditFilter,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print lines of JSON, as `audit export` does
    #[arg(long)]
    pub json: bool,
}

/// Which records to print. Everything that is given has to fit.
#[derive(Debug, Args)]
pub struct AuditFilter {
    /// Only of this person, by the id that `user list` shows
    #[arg(long, visible_alias = "user", value_name = "ID")]
    pub person: Option<String>,
    /// Only of this client
    #[arg(long, value_name = "ID")]
    pub client: Option<String>,
    /// Only of this grant, as `grant list` shows it
    #[arg(long, value_name = "ID")]
    pub grant: Option<String>,
    /// Only of this authorization, as records name it
    #[arg(long, value_name = "ID")]
    pub txn: Option<String>,
    /// Only of this kind, such as `refresh.replayed`, or of all that begin so, such as `refresh`; can be
    /// repeated
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only from this moment on: 2026-12-01, 2026-12-01T08:30:00Z, or how long ago, as 30m, 12h, 7d
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
}

/// Options of `audit export`.
#[derive(Debug, Args)]
pub struct AuditExport {
    /// From this moment on: 2026-12-01, 2026-12-01T08:30:00Z, or how long ago, as 30m, 12h, 7d
    /// [default: the beginning]
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
    /// Up to this moment [default: now]
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<String>,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print lines of JSON, which it does anyway
    #[arg(long)]
    pub json: bool,
}
