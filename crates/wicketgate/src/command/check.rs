//! `wicketgate config check` and `config show`.

use std::path::{self, PathBuf};
use std::process::ExitCode;

use super::source;
use crate::cli::Configured;
use crate::config;
use crate::output;

/// Finds every mistake, and says what is none but probably not meant.
pub(super) fn check(options: &Configured) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    let servers = loaded.settings.mcp.servers.len();
    output::result(format!(
        "The configuration is good: {} with {servers} MCP server{}",
        loaded.settings.public_url.as_str(),
        if servers == 1 { "" } else { "s" },
    ));
    if let Some(file) = sqlite_file(&loaded) {
        output::result(format!("Its database is the file {}", file.display()));
    }
    for advice in &loaded.advice {
        output::result(format!("worth a look: {advice}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The file of the database as it is found from here: a relative one begins where the program is
/// started, unlike the files that the configuration names (O7).
fn sqlite_file(loaded: &config::Loaded) -> Option<PathBuf> {
    let database = loaded.settings.database.as_ref()?;
    let file = store::StoreOptions::new(database.url.reveal()).sqlite_file()?;
    path::absolute(file).ok()
}

/// Prints the effective values.
pub(super) fn show(options: &Configured) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    for shown in &loaded.shown {
        output::result(shown);
    }
    Ok(ExitCode::SUCCESS)
}
