//! `wicketgate health`.

use std::process::ExitCode;

use anyhow::Context as _;

use super::run_to_end;
use crate::cli::Health;
use crate::output;

/// Seconds to wait for the answer.
const TIMEOUT: u64 = 5;

/// Asks a running server.
pub(super) fn run(options: &Health) -> anyhow::Result<ExitCode> {
    let url = format!("{}/ready", options.url.trim_end_matches('/'));
    let status = run_to_end(async {
        let client = net::outbound::client(TIMEOUT)?;
        let response = client.get(&url).send().await;
        response.map(|response| response.status()).map_err(reqwest::Error::without_url)
    })?;
    let status = status.with_context(|| format!("{url} does not answer"))?;
    if status.is_success() {
        output::result("ready");
        return Ok(ExitCode::SUCCESS);
    }
    output::note(format!("{url} answers {status}: not ready"));
    Ok(ExitCode::FAILURE)
}
