//! The configuration of the way to an upstream.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::encoding::base64;
use wicketgate::config::{self, Loaded, Problem, Role, Source};

use crate::world::BRIDGE_SECRET;

fn load(upstream: &str) -> Result<Loaded, Vec<Problem>> {
    let text = format!(
        r#"
        public_url = "http://127.0.0.1:8787"
        [oauth]
        key_encryption_key = "{}"
        bridge_token_signing_secret = "{BRIDGE_SECRET}"
        [sign_in]
        demo_people = true
        [[mcp.server]]
        upstream = {upstream}
        rules = [{{ tools = ["*"], scope = "mcp:read" }}]
        "#,
        base64(&[7; 32])
    );
    let source = Source { text, environment: BTreeMap::new(), ..Source::default() };
    config::load(&source, Role::All).map_err(|problems| problems.0)
}

/// O12: words that people decide by.
#[test]
fn words_about_scopes_are_checked() {
    let with = |line: &str| load(&format!("{{ url = \"http://a.example/mcp\" }}\n{line}"));
    let good =
        with("scope_titles = { \"mcp:admin\" = \"\"\"Run\n the place\"\"\" }").expect("good");
    let titles = &good.settings.mcp.servers[0].scope_words.titles;
    assert_eq!(titles[&protocol::Scope::Admin], "Run the place");
    let long = |length: usize| "ö".repeat(length);
    with(&format!("scope_titles = {{ \"mcp:read\" = \"{}\" }}", long(80))).expect("just fits");
    with(&format!("scope_texts = {{ \"mcp:read\" = \"{}\" }}", long(300))).expect("just fits");
    for (table, name, value, fix) in [
        ("scope_titles", "mcp:everything", "\"Everything\"".to_owned(), "Use mcp:read"),
        ("scope_texts", "read", "\"See\"".to_owned(), "Use mcp:read"),
        ("scope_titles", "mcp:read", "\" \"".to_owned(), "words that people can read"),
        ("scope_texts", "mcp:read", "\"\"".to_owned(), "words that people can read"),
        ("scope_texts", "mcp:read", "\"\\u2800 \\u3164\"".to_owned(), "words that people can read"),
        ("scope_titles", "mcp:read", format!("\"{}\"", long(81)), "at most 80"),
        ("scope_texts", "mcp:read", format!("\"{}\"", long(301)), "at most 300"),
        ("scope_titles", "mcp:read", "\"Look\\u202E at\"".to_owned(), "without them"),
        ("scope_texts", "mcp:read", "\"Look\\u0007\"".to_owned(), "without them"),
        ("scope_texts", "mcp:read", "7".to_owned(), "in quotes"),
    ] {
        let problems = with(&format!("{table} = {{ \"{name}\" = {value} }}")).err();
        let problems = problems.unwrap_or_default();
        let key = format!("mcp.server[0].{table}.{name}");
        assert_eq!(problems.iter().map(|p| &p.key).collect::<Vec<_>>(), [&key], "{problems:?}");
        assert!(problems[0].fix.contains(fix), "{problems:?}");
        // Where it is printed, it reorders nothing either.
        assert!(!problems[0].to_string().chars().any(protocol::text::is_deceptive));
    }
}

#[test]
fn a_url_is_enough() {
    let loaded = load(r#"{ url = "http://127.0.0.1:9000/mcp" }"#).expect("good");
    let server = &loaded.settings.mcp.servers[0];
    assert_eq!(server.upstream, "http://127.0.0.1:9000/mcp");
    let http = &server.http;
    assert!(http.others.is_empty() && http.unix.is_none() && http.idle_timeout.is_none());
    assert_eq!(http.response_timeout, Some(Duration::from_mins(5)));
    assert_eq!(http.health_interval, Duration::from_secs(10));
}

#[test]
fn everything_can_be_said() {
    let loaded = load(
        r#"{ urls = ["https://a.example/mcp", "https://b.example/mcp"], connect_timeout_seconds = 2,
        response_timeout_seconds = 30, idle_timeout_seconds = 60,
        health = { interval_seconds = 3, path = "/health?deep=1" } }"#,
    )
    .expect("good");
    let server = &loaded.settings.mcp.servers[0];
    assert_eq!(server.upstream, "https://a.example/mcp");
    let http = &server.http;
    assert_eq!(http.others, ["https://b.example/mcp"]);
    assert_eq!(http.connect_timeout, Some(Duration::from_secs(2)));
    assert_eq!(http.response_timeout, Some(Duration::from_secs(30)));
    assert_eq!(http.idle_timeout, Some(Duration::from_mins(1)));
    assert_eq!(http.health_interval, Duration::from_secs(3));
    assert_eq!(http.health_path, "/health?deep=1");
    let socket = load(r#"{ unix = "/run/server.sock", url = "http://localhost/mcp" }"#);
    let socket = socket.expect("good").settings.mcp.servers[0].http.unix.clone();
    assert_eq!(socket.as_deref(), Some(std::path::Path::new("/run/server.sock")));
}

#[test]
fn mistakes_name_their_key() {
    for (upstream, key) in [
        ("{}", "url"),
        (r"{ urls = [] }", "urls"),
        (r#"{ urls = ["http://a.example/mcp", "ftp://b.example"] }"#, "urls"),
        (r#"{ urls = ["http://a.example/mcp"], url = "http://b.example/mcp" }"#, "url"),
        (r#"{ unix = "run/x.sock", url = "http://localhost/mcp" }"#, "unix"),
        (r#"{ unix = "/run/x.sock", url = "https://localhost/mcp" }"#, "unix"),
        (r#"{ unix = "/run/x.sock", urls = ["http://a.example", "http://b.example"] }"#, "unix"),
        (r#"{ unix = "/run/x.sock" }"#, "url"),
        (r#"{ url = "http://a.example/mcp", ca_file = "no-such-file.pem" }"#, "ca_file"),
        (r#"{ url = "http://a.example/mcp", ca_file = "Cargo.toml" }"#, "ca_file"),
        (
            r#"{ url = "http://a.example/mcp", connect_timeout_seconds = 0 }"#,
            "connect_timeout_seconds",
        ),
        (r#"{ url = "http://a.example/mcp", health = { path = "health" } }"#, "health.path"),
        (
            r#"{ url = "http://a.example/mcp", health = { interval_seconds = 0 } }"#,
            "health.interval_seconds",
        ),
        (r#"{ url = "http://a.example/mcp", health = { page = "/x" } }"#, "health.page"),
        (r#"{ url = "http://a.example/mcp", timeout = 5 }"#, "timeout"),
    ] {
        let key = format!("mcp.server[0].upstream.{key}");
        let problems = load(upstream).err().unwrap_or_default();
        assert!(problems.iter().any(|problem| problem.key == key), "{upstream}: {problems:?}");
        assert!(problems.iter().all(|problem| !problem.fix.is_empty()), "{problems:?}");
    }
}
