//! A password that somebody types, or that a script writes to standard input. Never an argument:
//! everybody on the computer can see those.

use std::io::{BufRead as _, IsTerminal as _, Read as _, stdin};

use anyhow::Context as _;
use zeroize::Zeroizing;

/// No password is longer than this; the rest of a book is not read.
const MAX_LINE: u64 = 4096;

/// The new password: typed twice without an echo, or one line of standard input.
pub(super) fn new_password() -> anyhow::Result<Zeroizing<String>> {
    if !stdin().is_terminal() {
        return one_line();
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
    let first = ask("Password: ").context("no password can be asked for")?;
    let second = ask("Once more: ").context("no password can be asked for")?;
    anyhow::ensure!(first == second, "the two passwords differ; nothing was changed");
    Ok(first)
}

fn one_line() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    let read = stdin().lock().take(MAX_LINE).read_line(&mut line);
    read.context("no password can be read from standard input")?;
    let bare = line.strip_suffix('\n').unwrap_or(&line);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    anyhow::ensure!(!bare.is_empty(), "standard input has no password; write it as one line");
    Ok(Zeroizing::new(bare.to_owned()))
}
