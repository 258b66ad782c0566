//! Credentials in places that are no secret: refused where nobody would use them, and never shown.

use wicketgate::config::{self, Problem, Role, Source};

use super::{GOOD, problems_for, source};

const UPSTREAM: &str = r#"upstream = { url = "http://127.0.0.1:9000/mcp" }"#;

fn with_upstream(upstream: &str) -> Source {
    let text = GOOD.replace(UPSTREAM, &format!("upstream = {upstream}"));
    assert_ne!(text, GOOD);
    source(&text)
}

fn with_variable(name: &str, value: &str) -> Source {
    let mut source = source(GOOD);
    source.environment.insert(name.to_owned(), value.to_owned());
    source
}

/// A login in a URL that is never sent would look like a lock and be none. It is refused, and even
/// the refusal does not show it.
#[test]
fn a_login_that_nobody_would_send_is_refused() {
    let url = "http://user:SECRETx@127.0.0.1:9";
    for (source, key, fix) in [
        (with_upstream(&format!("{{ url = \"{url}/mcp\" }}")), "upstream.url", "upstream_auth"),
        (with_upstream(&format!("{{ urls = [\"{url}/mcp\"] }}")), "upstream.urls", "upstream_auth"),
        (with_variable("WICKETGATE__TELEMETRY__OTLP_ENDPOINT", url), "otlp_endpoint", "collector"),
        (with_variable("WICKETGATE__MCP__PEER_URL", url), "mcp.peer_url", "of this replica"),
        (with_variable("WICKETGATE__MCP__AUTHORITY__URL", url), "authority.url", "client_secret"),
        (with_variable("WICKETGATE__PUBLIC_URL", url), "public_url", ""),
    ] {
        let problems = problems_for(&source, Role::All);
        let found = problems.iter().find(|problem| problem.key.ends_with(key));
        let Problem { value, reason, fix: said, .. } = found.expect(key);
        assert!(reason.contains("user name") && said.contains(fix), "{found:?}");
        assert!(value.contains("***@127.0.0.1:9") && !value.contains("SECRET"), "{found:?}");
    }
}

/// A quotation mark is soon forgotten, and the line is the one with the secret.
#[test]
fn a_line_that_is_no_toml_is_named_and_not_shown() {
    for line in ["client_secret = \"SECRETx", "SECRETx", "client_secret = SECRETx"] {
        let text = format!("# A comment\n\n{line}\n[oauth]\n");
        let problems = problems_for(&source(&text), Role::All);
        assert!(problems[0].reason.contains("not valid TOML: line 3: "), "{problems:?}");
        assert!(!format!("{problems:?}").contains("SECRET"), "{problems:?}");
    }
}

/// `config show` is copied into tickets.
#[test]
fn show_hides_queries_and_arguments() {
    let query = with_upstream(r#"{ url = "http://127.0.0.1:9/mcp?api=SECRETx" }"#);
    let command =
        r#"{ command = ["sh", "--token=SECRETx", "--header", "SECRETx", "-v", "plain"] }"#;
    for (source, seen) in [
        (query, r#""http://127.0.0.1:9/mcp?api=***""#),
        (with_upstream(command), r#"["sh", "--token=***", "--header", "***", "-v", "plain"]"#),
    ] {
        let shown = config::load(&source, Role::All).expect("it is good").shown;
        assert!(shown.iter().any(|one| one.value == seen), "{shown:?}");
        assert!(!format!("{shown:?}").contains("SECRET"), "{shown:?}");
    }
}
