//! `wicketgate config check` and `config show`.

use std::process::ExitCode;

use super::source;
use crate::cli::Serve;
use crate::config;
use crate::output;

/// Finds every mistake, and says what is none but probably not meant.
pub(super) fn check(options: &Serve) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    let servers = loaded.settings.mcp.servers.len();
    output::result(format!(
        "The configuration is good: {} with {servers} MCP server{}",
        loaded.settings.public_url.as_str(),
        if servers == 1 { "" } else { "s" },
    ));
    for advice in &loaded.advice {
        output::result(format!("worth a look: {advice}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the effective values.
pub(super) fn show(options: &Serve) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&source::collect(&options.config)?, options.role.into())?;
    for shown in &loaded.shown {
        output::result(shown);
    }
    Ok(ExitCode::SUCCESS)
}
