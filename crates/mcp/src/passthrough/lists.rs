//! Lists of tools on their way: filtered for whoever asks.

pub(crate) mod answer;
pub(crate) mod rewrite;
pub(crate) mod screen;
