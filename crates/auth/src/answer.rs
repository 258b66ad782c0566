//! Failures become responses here, and only here: JSON for clients, a page for people.

mod client;
mod page;

pub(crate) use client::{ClientFailure, answer_client, json_response, not_here};
pub(crate) use page::{PageFailure, answer_person, page_response, see_other};
