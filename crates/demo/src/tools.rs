//! The tools, one file per area.
//!
//! Names are made for rules with wildcards: `list_*`, `get_*` and `search_*` read; `process_*` and
//! `participant_*` run processes; `admin_*` administers; everything else writes in the caller's
//! name.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the tool macro hands its extractors over by value"
)]

mod admin;
mod comments;
mod decisions;
mod delegations;
mod favourites;
mod participants;
mod processes;
mod profile;
mod reports;
mod request_changes;
mod requests;
