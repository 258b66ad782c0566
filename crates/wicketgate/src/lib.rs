//! Wicketgate: the binary's parts. Configuration, composition and commands; no protocol logic.

pub mod cli;
pub mod command;
pub mod compose;
pub mod config;
pub mod output;

pub use compose::{Ambient, Running, start};
