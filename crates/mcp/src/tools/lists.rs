//! Lists of tools: filtered for whoever asks, and the filtered bytes kept ready.

pub(crate) mod by_tool;
mod cache;
pub(crate) mod dropped;
pub(crate) mod filter;
mod output_schema;
pub(crate) mod tidy;

pub(crate) use cache::{Key, Lists, Owner};
