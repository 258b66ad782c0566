//! `wicketgate audit`, by the program itself: what operators read and archives keep.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Connected, Era, McpCaller, Tokens};

use crate::world::{Plan, World, wicketgate};

/// The tests' clock is ahead of the system's.
const ALL: [&str; 4] = ["audit", "export", "--until", "2100-01-01"];

/// What a command prints, a JSON value for each line.
fn lines(world: &World, arguments: &[&str]) -> Vec<Value> {
    let output = world.try_command(arguments, str::to_owned);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Records that tell no secret and bear no random name, to be compared.
fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["kind"].as_str().expect("a kind")).collect()
}

/// LG-1, T-LOG-04: export tells the whole story in order, once each, joined by ids, on both databases.
#[tokio::test]
async fn t_log_04_export_tells_the_story_in_order() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let world = plan.mcp("audit_calls = false").start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(client.revoke(&next.access).await.status, 200);
        assert_eq!(client.revoke(&next.refresh).await.status, 200);
        let records = lines(&world, &ALL);
        let story = [
            "client.registered",
            "authorization.started",
            "person.signed_in",
            "consent.approved",
            "code.redeemed",
            "refresh.rotated",
            "access.revoked",
            "grant.revoked",
        ];
        let told: Vec<&Value> = records
            .iter()
            .filter(|one| story.contains(&one["kind"].as_str().expect("text")))
            .collect();
        let order: Vec<&str> = told.iter().filter_map(|one| one["kind"].as_str()).collect();
        assert_eq!(order, story);
        for (field, members) in [("txn", &[1, 3, 4][..]), ("grant", &[4, 5, 6, 7])] {
            let id = told[members[0]][field].as_str().expect("an id");
            assert!(!id.is_empty());
            for member in members {
                assert_eq!(told[*member][field], id, "{field} of {}", story[*member]);
            }
        }
        assert_eq!(told[5]["token"], told[6]["token"], "what was issued was revoked");
        assert_ne!(told[4]["token"], told[5]["token"]);
        assert_eq!(told[7]["actor"], "client");
        assert_eq!(told[7]["reason"], "client_request");
        assert!(told[7]["time"].as_str().is_some_and(|time| time.ends_with('Z')));
        let ids: Vec<i64> = records.iter().filter_map(|one| one["id"].as_i64()).collect();
        assert!(ids.is_sorted(), "{ids:?}");

        // What is looked for is found, and nothing else.
        let grant = told[7]["grant"].as_str().expect("an id");
        let of_grant = lines(&world, &["audit", "tail", "--grant", grant]);
        assert_eq!(kinds(&of_grant), story[4..]);
        let last =
            lines(&world, &["audit", "tail", "-n", "1", "--kind", "refresh", "--kind", "code"]);
        assert_eq!(kinds(&last), ["refresh.rotated"]);
        let person = told[7]["person"].as_str().expect("an id");
        let of_person = lines(&world, &["audit", "tail", "--person", person, "--kind", "grant"]);
        assert_eq!(kinds(&of_person), ["grant.revoked"]);
        assert!(lines(&world, &["audit", "tail", "--client", "nobody"]).is_empty());
        assert!(lines(&world, &["audit", "tail", "--since", "2099-01-01"]).is_empty());
        assert!(lines(&world, &["audit", "export", "--until", "1999-01-01"]).is_empty());
        for wrong in [["--kind", "refresh.rotten"], ["--since", "yesterday"]] {
            let output =
                world.try_command(&[&["audit", "tail"][..], &wrong].concat(), str::to_owned);
            assert_eq!(output.status.code(), Some(1), "{wrong:?}");
            assert!(output.stdout.is_empty() && !output.stderr.is_empty());
        }
    }
}

/// LG-3, T-LOG-02: a tool that nobody has, with a name that would end the line and clear the screen.
#[tokio::test]
async fn t_log_02_a_name_stays_within_its_line() {
    let world = World::sqlite().await;
    let tokens = world.connect("basic").await.tokens;
    let caller = McpCaller::connect(&world, &tokens.access, Era::Sessions("2025-11-25")).await;
    caller.call("a\nb\u{1b}[2J\u{2028}\u{202e}\u{9b}c", json!({})).await;
    let found = async {
        loop {
            let denied = lines(&world, &["audit", "tail", "--kind", "mcp.denied"]);
            if let [one] = &denied[..] {
                return one.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let denied = tokio::time::timeout(Duration::from_secs(10), found).await.expect("a record");
    assert!(denied["detail"]["name"].as_str().is_some_and(|name| name.starts_with("a\nb")));
    let output = world.try_command(&ALL, str::to_owned);
    let text = String::from_utf8(output.stdout).expect("text");
    let steers = |character: &char| {
        (character.is_control() && *character != '\n') || "\u{2028}\u{202e}".contains(*character)
    };
    assert_eq!(text.chars().find(steers), None);
}

/// `tail --follow` shows what happens, as lines for people, and ends when nobody reads any more.
#[tokio::test]
async fn follow_shows_what_comes() {
    let mut process = Plan::sqlite().start_process().await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("wicketgate.toml");
    std::fs::write(&file, process.configuration()).expect("written");
    let mut command = wicketgate(directory.path());
    command.args(["audit", "tail", "--follow", "--lines", "1", "--config"]).arg(&file);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, shown) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    let next = || shown.recv_timeout(Duration::from_secs(10)).expect("a line");
    let started = next();
    assert!(started.contains("configuration.loaded") && started.contains("start "), "{started}");
    process.hang_up();
    let reloaded = next();
    assert!(reloaded.contains("detail=\"reload "), "{reloaded}");
    let id = |line: &str| line.trim_end().rsplit([' ', '=']).next().map(str::to_owned);
    assert_eq!(id(&started), id(&reloaded), "the same settings");
    child.kill().expect("killed");
    child.wait().expect("gone");
    process.terminate().await;
}

/// An archive of many records can be read from the beginning only, and nothing but the reader's going
/// away ends it early.
#[tokio::test]
async fn a_reader_may_leave_early() {
    let process = Plan::sqlite().start_process().await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("wicketgate.toml");
    std::fs::write(&file, process.configuration()).expect("written");
    let mut command = wicketgate(directory.path());
    command.args(["audit", "export", "--config"]).arg(&file).stderr(Stdio::piped());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut child = command.stdout(writer).spawn().expect("it runs");
    let mut errors = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("text");
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}
