//! Collecting the configuration: the only code that reads the environment and the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::ConfigFile;
use crate::config::Source;

/// The file and the environment.
pub(super) fn collect(file: &ConfigFile) -> anyhow::Result<Source> {
    let environment = environment();
    let path = file
        .config
        .clone()
        .or_else(|| environment.get("WICKETGATE_CONFIG").map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("config/wicketgate.toml"));
    let text = std::fs::read_to_string(&path).map_err(|error| {
        anyhow::anyhow!(
            "cannot read the configuration file {}: {error}. Name another with --config; \
             `wicketgate config reference` prints one to start from",
            path.display()
        )
    })?;
    let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
    Ok(Source { text, directory, environment })
}

/// The environment, as far as it is text.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
