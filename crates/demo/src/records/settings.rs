//! Settings of the whole application.

use schemars::JsonSchema;
use serde::Serialize;

use super::Records;
use super::role::Administrator;
use crate::refusal::Refusal;

/// What administrators can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Settings {
    /// The name of the organisation.
    pub(crate) organisation: String,
    /// Whether new requests are taken at all.
    pub(crate) accepting_requests: bool,
    /// Whether a rejection needs a note that says why.
    pub(crate) rejection_needs_note: bool,
    /// How many open requests one person may have.
    pub(crate) max_open_requests: u32,
}

/// What is to be different about the settings. What is `None` stays.
pub(crate) struct SettingsChange {
    pub(crate) organisation: Option<String>,
    pub(crate) accepting_requests: Option<bool>,
    pub(crate) rejection_needs_note: Option<bool>,
    pub(crate) max_open_requests: Option<u32>,
}

impl Settings {
    pub(super) fn accepts_requests(&self) -> Result<(), Refusal> {
        if self.accepting_requests {
            return Ok(());
        }
        let reason = "an administrator has switched new requests off (accepting_requests)";
        Err(Refusal::WrongState(reason.to_owned()))
    }
}

impl Records {
    /// Changes the settings.
    pub(crate) fn change_settings(&mut self, _permit: &Administrator, change: SettingsChange) {
        let settings = &mut self.settings;
        if let Some(organisation) = change.organisation {
            settings.organisation = organisation;
        }
        if let Some(accepting) = change.accepting_requests {
            settings.accepting_requests = accepting;
        }
        if let Some(needed) = change.rejection_needs_note {
            settings.rejection_needs_note = needed;
        }
        if let Some(limit) = change.max_open_requests {
            settings.max_open_requests = limit;
        }
    }
}
