//! What this server says of its endpoints for programs, in OpenAPI 3.1 (MD-17).
//!
//! `openapi.json` is the description: for each endpoint what may be sent, and every answer that there
//! is. What depends on the deployment is put in here, once. A change of an endpoint's answers belongs
//! there too; the story `fuzz-by-description` compares.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::Config;

const DESCRIPTION: &str = include_str!("openapi.json");

/// The description of this deployment.
pub(crate) fn describe(config: &Config) -> Result<Bytes, serde_json::Error> {
    let mut description: Value = serde_json::from_str(DESCRIPTION)?;
    if let Some(servers) = description.get_mut("servers") {
        *servers = json!([{ "url": config.issuer }]);
    }
    // MD-16.
    if !config.registration.enabled
        && let Some(paths) = description.get_mut("paths").and_then(Value::as_object_mut)
    {
        paths.remove("/register");
    }
    serde_json::to_vec(&description).map(Bytes::from)
}
