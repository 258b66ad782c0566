//! What `config check` and the start call worth a look.

use wicketgate::config::{self, Role};

use super::{GOOD, source};

/// What is no mistake, and yet probably not meant, is said and keeps nothing from starting.
#[test]
fn what_is_probably_not_meant_is_said() {
    let advice = |text: &str, variables: &[&str]| -> Vec<String> {
        let mut source = source(text);
        let variables = variables.iter().map(|name| (name.to_string(), "x".to_owned()));
        source.environment.extend(variables);
        source.environment.insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let loaded = config::load(&source, Role::All).expect("no mistakes");
        loaded.advice.iter().map(ToString::to_string).collect()
    };
    assert_eq!(advice(GOOD, &["WICKETGATE_CONFIG", "WICKETGATE_SERVICE_HOST"]), [""; 0]);
    for port in ["WICKETGATE_PORT", "WICKETGATE_SERVICE_PORT_HTTP", "WICKETGATE_PORT_80_TCP_ADDR"] {
        assert_eq!(advice(GOOD, &[port]), [""; 0]);
    }
    let upstream = "upstream = { url = \"http://127.0.0.1:9000/mcp\" }";
    let rules = "rules = [{ tools = [\"*\"], scope = \"mcp:read\" }]";
    for (from, to, expected) in [
        ("demo_people = true", "", "nobody can connect"),
        ("[sign_in]", "access_token_lifetime_seconds = 300\n[sign_in]", "before every request"),
        ("[sign_in]", "refresh_reuse_grace_seconds = 0\n[sign_in]", "signs both out"),
        (
            "[sign_in]",
            "[outbound]\nproxy = \"http://proxy.example.com:3128\"\n[sign_in]",
            "no client metadata document can be fetched",
        ),
        (upstream, "upstream = { command = [\"no-such-program\"] }", "no program no-such-program"),
        (upstream, "upstream = { command = [\"./no-such\"] }", "no program ./no-such"),
        (upstream, "upstream = { command = [\"sh\", \"--key=x\"] }", "looks like a secret"),
        (rules, "rules = [{ tools = [\"a\"], scope = \"mcp:admin\" }]", "not in allowed_scopes"),
        (
            rules,
            "scope_titles = { \"mcp:read\" = \"Look\", \"mcp:admin\" = \"Run it\" }",
            "scope_titles.mcp:admin: nobody reads",
        ),
        (
            rules,
            "rules = [{ tools = [\"get_*\"], scope = \"mcp:read\" },\n\
             { tools = [\"get_a*\", \"get_b\"], scope = \"mcp:write\" }]",
            "rules[1]: earlier rules",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let said = advice(&GOOD.replacen(from, to, 1), &[]);
        assert!(said.len() == 1 && said[0].contains(expected), "{to}: {said:?}");
    }
    let unread = advice(GOOD, &["WICKETGATE_SERVER_LISTEN"]);
    assert!(unread[0].contains("WICKETGATE_SERVER_LISTEN"), "{unread:?}");
    let with_home = "upstream = { command = [\"sh\"] }";
    assert_eq!(advice(&GOOD.replacen(upstream, with_home, 1), &[]), [""; 0]);
}
