//! The demo's secrets: made on the first run and kept, so that connections survive a restart.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::command::secret;

/// The secret in this file, made now if there is none. Only the owner can read it.
pub(super) fn kept(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    }
    let fresh = secret::fresh();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(fresh.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(fresh)
}
