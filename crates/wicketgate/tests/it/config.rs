//! The configuration: all mistakes at once, each with what to do; and the binary's exit code.

mod advice;
mod clients;
mod credentials;
mod database;
mod reference;

use std::collections::BTreeMap;

use kernel::encoding::base64;
use wicketgate::config::{self, Problem, Role, Source};

use crate::world::{BRIDGE_SECRET, World, wicketgate};

const GOOD: &str = r#"
public_url = "http://127.0.0.1:8787"
[database]
url = "sqlite://data/test.db"
[oauth]
key_encryption_key = { env = "KEY" }
bridge_token_signing_secret = { env = "BRIDGE" }
[sign_in]
demo_people = true
[mcp]
allowed_scopes = "mcp:read mcp:write"
[[mcp.server]]
upstream = { url = "http://127.0.0.1:9000/mcp" }
rules = [{ tools = ["*"], scope = "mcp:read" }]
"#;

const BRIDGE: &str = BRIDGE_SECRET;

fn source(text: &str) -> Source {
    Source {
        text: text.to_owned(),
        environment: BTreeMap::from([
            ("KEY".to_owned(), base64(&[7; 32])),
            ("BRIDGE".to_owned(), BRIDGE.to_owned()),
        ]),
        ..Source::default()
    }
}

fn problems_for(source: &Source, role: Role) -> Vec<Problem> {
    match config::load(source, role) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0,
    }
}

fn problems(text: &str) -> Vec<Problem> {
    problems_for(&source(text), Role::All)
}

#[track_caller]
fn names(problems: &[Problem], key: &str) {
    let found = problems.iter().find(|problem| problem.key == key);
    let Some(problem) = found else {
        panic!("nothing about {key}: {problems:?}");
    };
    assert!(!problem.reason.is_empty() && !problem.fix.is_empty(), "{problem:?}");
}

/// The starting point of the other tests is good.
#[test]
fn the_good_one_is_good() {
    assert_eq!(problems(GOOD), []);
}

/// Every mistake in one run, each with key, value, reason and fix.
#[test]
fn all_mistakes_at_once() {
    let text = r#"
        public_url = "http://mcp.example.com"
        nonsense = 1
        [server]
        listen = "everywhere"
        titles = "typo"
        [database]
        url = "mysql://root@localhost/x"
        [oauth]
        key_encryption_key = "c2hvcnQ"
        access_token_lifetime_seconds = 5
        refresh_reuse_grace_seconds = "long"
        allow_loopback_redirects = "perhaps"
        [oauth.registration]
        initial_access_token = "short"
        allowed_redirects = ["cursor:", "claude.ai"]
        private_hosts = ["https://clients.example.com"]
        [[oauth.client]]
        id = "https://client.example.com"
        redirect_uris = ["http://evil.example/cb"]
        [mcp]
        allowed_scopes = "mcp:write"
        diagnostic_log_level = "LOUD"
        [[mcp.server]]
        name = "Not A Name"
        upstream = { url = "ftp://x" }
        default_scope = "mcp:root"
        rules = [{ tools = [], scope = "mcp:read" }, { tools = ["x"], scope = "y", visible = true }]
    "#;
    let found = problems(text);
    for key in [
        "public_url",
        "nonsense",
        "server.listen",
        "server.titles",
        "database.url",
        "oauth.key_encryption_key",
        "oauth.bridge_token_signing_secret",
        "oauth.access_token_lifetime_seconds",
        "oauth.refresh_reuse_grace_seconds",
        "oauth.allow_loopback_redirects",
        "oauth.registration.initial_access_token",
        "oauth.registration.allowed_redirects",
        "oauth.registration.private_hosts",
        "oauth.client[0].id",
        "oauth.client[0].redirect_uris",
        "mcp.allowed_scopes",
        "mcp.diagnostic_log_level",
        "mcp.server[0].name",
        "mcp.server[0].upstream.url",
        "mcp.server[0].default_scope",
        "mcp.server[0].rules[0].tools",
        "mcp.server[0].rules[1].scope",
        "mcp.server[0].rules[1].visible",
    ] {
        names(&found, key);
    }
    let url = found.iter().find(|problem| problem.key == "public_url");
    assert!(url.is_some_and(|problem| problem.value.contains("mcp.example.com")));
    let typo = found.iter().find(|problem| problem.key == "server.titles");
    assert!(typo.is_some_and(|problem| problem.fix.contains("title")), "{typo:?}");
    let shown = config::Problems(found).to_string();
    assert!(!shown.contains("c2hvcnQ"), "no secret is shown: {shown}");
    assert!(shown.contains("\"claude.ai\" is no redirect URI"), "{shown}");
}

/// OA-1: a public URL without https is refused; loopback may do without.
#[test]
fn plain_http_is_for_loopback_only() {
    for (url, good) in [
        ("https://mcp.example.com/wfgen", true),
        ("http://localhost:1", true),
        ("http://[::1]:1", true),
        ("http://mcp.example.com", false),
        ("http://10.0.0.1", false),
        ("http://127.0.0.1.evil.example", false),
        ("ftp://mcp.example.com", false),
        ("https://user@mcp.example.com", false),
        ("https://mcp.example.com/?x=1", false),
        ("https://mcp.example.com/#f", false),
        ("mcp.example.com", false),
        ("", false),
    ] {
        let text = GOOD.replace("http://127.0.0.1:8787", url).replace("demo_people = true", "");
        let found = problems(&text);
        assert_eq!(found.is_empty(), good, "{url}: {found:?}");
        if !good {
            names(&found, "public_url");
        }
    }
}

/// Rulings: people who need no password need loopback, in the URL and in the listener.
#[test]
fn people_without_passwords_need_loopback() {
    let public = GOOD.replace("http://127.0.0.1:8787", "https://mcp.example.com");
    names(&problems(&public), "sign_in.demo_people");
    let open = format!("{GOOD}\n[server]\nlisten = \"0.0.0.0:8787\"\n");
    names(&problems(&open), "sign_in.demo_people");
    let fixed = public.replace("demo_people = true", "dev_fixed_user = \"me\"");
    names(&problems(&fixed), "sign_in.dev_fixed_user");
    let both = GOOD.replace("demo_people = true", "demo_people = true\ndev_fixed_user = \"me\"");
    names(&problems(&both), "sign_in.dev_fixed_user");
}

/// T-KEY-07: a missing, empty, short or unreadable key is found before anything starts.
#[test]
fn t_key_07_bad_key_encryption_keys() {
    let line = "key_encryption_key = { env = \"KEY\" }";
    for bad in [
        "",
        "key_encryption_key = \"\"",
        "key_encryption_key = \"not base64!\"",
        "key_encryption_key = \"AAAA\"",
        "key_encryption_key = { env = \"MISSING\" }",
        "key_encryption_key = { file = \"/no/such/file\" }",
        "key_encryption_key = { vault = \"x\" }",
        "key_encryption_key = 7",
    ] {
        let found = problems(&GOOD.replace(line, bad));
        names(&found, "oauth.key_encryption_key");
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
    }
}

/// A role does not need the other role's secrets, and needs its own.
#[test]
fn roles_need_their_own_secrets_only() {
    let mut source = source(GOOD);
    source.environment.clear();
    source.text = GOOD.replace("[mcp]", "[mcp]\nissuer = \"http://127.0.0.1:8787\"");
    assert_eq!(problems_for(&source, Role::Mcp), []);
    names(&problems_for(&source, Role::Auth), "oauth.key_encryption_key");
    source.text = GOOD.to_owned();
    names(&problems_for(&source, Role::Mcp), "mcp.issuer");
}

/// The environment overrides what is outside arrays of tables; secrets stay masked.
#[test]
fn the_environment_overrides_and_secrets_are_masked() {
    let mut source = source(GOOD);
    let set = [
        ("WICKETGATE__MCP__ALLOWED_SCOPES", "mcp:read"),
        ("WICKETGATE__OAUTH__REFRESH_REUSE_GRACE_SECONDS", "7"),
        ("WICKETGATE__OAUTH__ALLOWED_REDIRECT_SCHEMES", "cursor, warp"),
    ];
    source.environment.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let loaded = match config::load(&source, Role::All) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{problems}"),
    };
    let oauth = loaded.settings.oauth.as_ref().expect("the section");
    assert_eq!(oauth.refresh_reuse_grace, 7);
    assert_eq!(oauth.redirect_policy.allowed_schemes, ["cursor", "warp"]);
    let ceiling = loaded.settings.mcp.servers[0].ceiling.to_string();
    assert_eq!(ceiling, "mcp:read");
    let shown: Vec<String> = loaded.shown.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    assert!(shown.contains("WICKETGATE__OAUTH__REFRESH_REUSE_GRACE_SECONDS"));
    assert!(!shown.contains(BRIDGE) && !shown.contains(&base64(&[7; 32])), "{shown}");
    let unknown = ("WICKETGATE__OAUTH__NONSENSE".to_owned(), "1".to_owned());
    source.environment.extend([unknown]);
    names(&problems_for(&source, Role::All), "oauth.nonsense");
}

/// What is seen from outside is configured whole or not at all, and numbers are for insiders.
#[test]
fn telemetry_is_checked() {
    let with = |text: &str| GOOD.replace("[mcp]\n", &format!("{text}\n[mcp]\n"));
    let good = "[telemetry]\nmetrics_listen = \"10.1.2.3:9464\"\ntool_labels = true\n\
                otlp_endpoint = \"http://127.0.0.1:4318/\"\ntrace_ratio = 1";
    let loaded = config::load(&source(&with(good)), Role::All).expect("it is good");
    let telemetry = loaded.settings.telemetry;
    assert!(telemetry.metrics_listen.is_some() && telemetry.tool_labels);
    assert_eq!(telemetry.otlp_endpoint.as_deref(), Some("http://127.0.0.1:4318"));
    for (key, value) in [
        ("metrics_listen", "\"0.0.0.0:9464\""),
        ("metrics_listen", "\"[::]:9464\""),
        ("metrics_listen", "\"203.0.113.9:9464\""),
        ("metrics_listen", "\"127.0.0.1\""),
        ("otlp_endpoint", "\"127.0.0.1:4318\""),
        ("trace_ratio", "1.5"),
        ("trace_ratio", "\"often\""),
        ("tool_labels", "\"some\""),
    ] {
        let found = problems(&with(&format!("[telemetry]\n{key} = {value}")));
        names(&found, &format!("telemetry.{key}"));
    }
    let half = GOOD.replace("[mcp]\n", "[mcp]\nauthority = { client_id = \"side\" }\n");
    names(&problems(&half), "mcp.authority.client_secret");
    let open = with("[[oauth.client]]\nid = \"side\"\nsidecar = true");
    names(&problems(&open), "oauth.client[0].secret");
}

/// Exit code 78, one line for each mistake, nothing secret, and nothing left behind.
#[test]
fn mistakes_end_with_exit_code_78() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("wicketgate.toml");
    let bad = GOOD
        .replace("http://127.0.0.1:8787", "http://mcp.example.com")
        .replace("demo_people = true", "")
        .replace("{ env = \"KEY\" }", "\"c2VjcmV0LXNob3J0\"")
        .replace("[mcp]", "[mcp]\nunknown = 1");
    std::fs::write(&file, bad).expect("written");
    for command in [&["config", "check"][..], &["config", "show"], &["serve"], &["migrate"]] {
        let output = wicketgate(directory.path())
            .args(command)
            .arg("--config")
            .arg(&file)
            .env("BRIDGE", BRIDGE)
            .output()
            .expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{command:?}: {errors}");
        assert_eq!(errors.lines().count(), 3, "{errors}");
        for part in ["public_url", "oauth.key_encryption_key", "mcp.unknown"] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        assert!(!errors.contains("c2VjcmV0LXNob3J0"), "{errors}");
    }
    assert!(!directory.path().join("data").exists());
}

/// T-KEY-07: a key-encryption key that is not the one of the database is a configuration mistake.
#[tokio::test]
async fn t_key_07_a_wrong_key_ends_with_exit_code_78() {
    let database = World::sqlite().await.stop().await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("wicketgate.toml");
    let text = GOOD
        .replace("sqlite://data/test.db", database.url())
        .replace("[mcp]", "[server]\nlisten = \"127.0.0.1:0\"\n[mcp]");
    std::fs::write(&file, text).expect("written");
    let output = wicketgate(directory.path())
        .args(["serve", "--config"])
        .arg(&file)
        .env("BRIDGE", BRIDGE)
        .env("KEY", base64(&[9; 32]))
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{errors}");
    assert!(errors.contains("oauth.key_encryption_key"), "{errors}");
    assert!(!errors.contains(&base64(&[9; 32])), "{errors}");
    assert!(!errors.contains("listening"), "{errors}");
}

/// Usage mistakes are something else, and a fresh key is one that is accepted.
#[test]
fn other_exit_codes() {
    let directory = tempfile::tempdir().expect("a directory");
    let usage = wicketgate(directory.path()).arg("nonsense").output();
    assert_eq!(usage.expect("it runs").status.code(), Some(2));
    let secret =
        wicketgate(directory.path()).args(["secret", "generate"]).output().expect("it runs");
    let secret = String::from_utf8(secret.stdout).expect("text");
    let source = Source {
        environment: BTreeMap::from([
            ("KEY".to_owned(), secret.trim().to_owned()),
            ("BRIDGE".to_owned(), secret.trim().to_owned()),
        ]),
        ..source(GOOD)
    };
    assert_eq!(problems_for(&source, Role::All), []);
}

/// A server that is a program: what it takes, and that nothing of ours is inherited.
#[test]
fn a_server_that_is_a_program() {
    let upstream = r#"{ command = ["npx", "-y", "some-server"], share = "everyone", max_children = 3,
        idle_timeout_seconds = 60, env = { PLAIN = "a", KEPT = { env = "BRIDGE" } } }"#;
    let text =
        GOOD.replace(r#"{ url = "http://127.0.0.1:9000/mcp" }"#, &upstream.replace('\n', " "));
    let mut source = source(&text);
    source.environment.insert("PATH".to_owned(), "/usr/bin".to_owned());
    let loaded = config::load(&source, Role::All).expect("it is good");
    let mcp::Transport::Stdio(child) = &loaded.settings.mcp.servers[0].transport else {
        panic!("it is a child");
    };
    assert_eq!(child.command, ["npx", "-y", "some-server"]);
    assert!(child.shared_by_everyone && child.limit == 3 && child.idle_seconds == 60);
    let environment: Vec<(&str, &str)> =
        child.environment.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(environment, [("KEPT", BRIDGE), ("PLAIN", "a"), ("PATH", "/usr/bin")]);
    let shown = format!("{:?}", loaded.shown);
    assert!(shown.contains("KEPT = ***") && !shown.contains(BRIDGE), "{shown}");
}

/// Everything that is wrong with one at once, and `url` beside it.
#[test]
fn mistakes_about_a_program() {
    let given = |upstream: &str| {
        problems(&GOOD.replace(r#"{ url = "http://127.0.0.1:9000/mcp" }"#, upstream))
    };
    let found = given(
        r#"{ url = "http://127.0.0.1:1/", transport = "http", command = [], share = "nobody", directory = "missing-directory", max_children = 0, env = { WICKETGATE_SUBJECT = "me", KEPT = { env = "MISSING" } } }"#,
    );
    for key in [
        "url",
        "transport",
        "command",
        "share",
        "directory",
        "max_children",
        "env.KEPT",
        "env.WICKETGATE_SUBJECT",
    ] {
        names(&found, &format!("mcp.server[0].upstream.{key}"));
    }
    let without = given(r#"{ url = "http://127.0.0.1:1/", share = "everyone", env = {} }"#);
    names(&without, "mcp.server[0].upstream.share");
    names(&without, "mcp.server[0].upstream.env");
    let sse = given(r#"{ url = "http://127.0.0.1:1/sse", transport = "sse", eras = "legacy" }"#);
    assert_eq!(sse, []);
}
