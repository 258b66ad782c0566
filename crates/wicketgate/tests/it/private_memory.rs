//! What other programs of the same user can see of this one: MCP servers that run as children are
//! such programs, and secrets are in its environment.

#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A command that no capability of root helps.
fn as_ordinary_user(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", program]);
    command
}

fn can_read(path: &str) -> bool {
    let mut cat = as_ordinary_user("cat");
    let status = cat.arg(path).stdout(Stdio::null()).status();
    status.expect("cat runs").success()
}

/// Ends with the test, whatever comes of it.
struct Running(Child);

impl Running {
    /// Waits until it says these words.
    fn once(mut command: Command, words: &str) -> Self {
        let mut running = Self(command.stderr(Stdio::piped()).spawn().expect("it starts"));
        let errors = BufReader::new(running.0.stderr.take().expect("piped"));
        let mut lines = errors.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(words)), "it says {words}");
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn programs_of_the_same_user_do_not_look_into_this_one() {
    let mut other = as_ordinary_user("sh");
    other.args(["-c", "echo ready >&2; exec sleep 60"]);
    let other = Running::once(other, "ready");
    let mut gateway = as_ordinary_user(env!("CARGO_BIN_EXE_wicketgate"));
    gateway.args(["demo-server", "--listen", "127.0.0.1:0"]).env("A_SECRET", "in the environment");
    let gateway = Running::once(gateway, "listening on");
    for file in ["environ", "maps"] {
        // `setpriv` becomes the program that it starts, so the id is the program's.
        assert!(
            can_read(&format!("/proc/{}/{file}", other.0.id())),
            "an ordinary program can be read: {file}"
        );
        assert!(!can_read(&format!("/proc/{}/{file}", gateway.0.id())), "{file}");
    }
}
