//! What the program writes, to whoever reads it: a pipe that closes, and a machine.

use std::process::Stdio;
use std::time::Duration;

use kernel::encoding::base64;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::world::{BRIDGE_SECRET, Plan, wicketgate};

/// O9: `wicketgate config show | head -1`. Whoever closes the pipe has read enough: it works as for one
/// who stays, and there is neither a panic nor a word on standard error.
#[test]
fn a_reader_that_leaves_early_ends_nothing_in_a_panic() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "public_url = \"http://127.0.0.1:8787\"\n[oauth]\nkey_encryption_key = \"{}\"\n\
         bridge_token_signing_secret = \"{BRIDGE_SECRET}\"\n[[sign_in.provider]]\nid = \"local\"\n\
         kind = \"local\"\n[[mcp.server]]\nupstream = {{ url = \"http://127.0.0.1:9000/mcp\" }}\n",
        base64(&[7; 32]),
    );
    std::fs::create_dir(directory.path().join("config")).expect("made");
    std::fs::write(directory.path().join("config/wicketgate.toml"), text).expect("written");
    for command in [
        &["config", "show"][..],
        &["config", "check"],
        &["config", "reference"],
        &["secret", "generate"],
        &["migrate"],
        &["user", "list", "--json"],
        &["account", "list", "--json"],
        &["keys", "list", "--json"],
        &["doctor"],
        &["--help"],
    ] {
        let run = |stdout: Stdio| {
            let mut child = wicketgate(directory.path());
            let output = child.args(command).stdin(Stdio::null()).stdout(stdout).output();
            let output = output.expect("it runs");
            let errors = String::from_utf8(output.stderr).expect("text");
            assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{command:?}");
            output.stdout
        };
        assert!(!run(Stdio::piped()).is_empty(), "{command:?} writes something");
        // Nobody reads from the first byte on, so that no buffer hides it.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        run(writer.into());
    }
}

/// O10: whoever collects JSON gets nothing else, from the first line to the last, whatever happens
/// in between.
#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_json_log_is_json() {
    let mut process = Plan::sqlite().listener("log_format = \"json\"").start_process().await;
    process.place().get(&process.place().at("/mcp")).await;
    process.hang_up();
    said(&process, "mcp.diagnostic_log_level is info now").await;
    process.configure(
        &process.configuration().replace("[mcp]\n", "[mcp]\ndiagnostic_log_level = 1\n"),
    );
    process.hang_up();
    said(&process, "mcp.diagnostic_log_level was not changed").await;
    process.terminate().await;
    let log = process.log();
    for line in log.lines() {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{log}"));
        assert!(read["message"].is_string() && read["level"].is_string(), "{line}");
    }
    let messages = ["listening on http", "stopping: no new connections", "stopped"];
    for message in messages {
        assert!(log.contains(&format!("\"message\":\"{message}")), "{message}\n{log}");
    }
}

/// Waits until the log has this.
async fn said(process: &crate::world::Process, words: &str) {
    let waiting = async {
        while !process.log().contains(words) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let found = timeout(Duration::from_secs(20), waiting).await;
    assert!(found.is_ok(), "{words}: {}", process.log());
}
