//! Writes every page to a directory, to look at: `cargo run -p pages --example render -- DIR`.

use std::path::PathBuf;
use std::{env, fs, io};

#[path = "../tests/it/samples.rs"]
mod samples;

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    fs::create_dir_all(&directory)?;
    for (name, html) in samples::every_page(&samples::ORDINARY) {
        fs::write(directory.join(name).with_extension("html"), html)?;
    }
    Ok(())
}
