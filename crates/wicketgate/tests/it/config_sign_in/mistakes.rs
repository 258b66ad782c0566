//! Every mistake at its key, all of them at once, and no secret in any.

use std::path::Path;

use wicketgate::config::{self, Role};

use super::{BASE, LOCAL, OIDC, PORTAL, SECRETS, SERVER, load, only_mistake, problems, source};

/// Each differs from a good provider in one line.
#[test]
fn each_mistake_is_told_at_its_key() {
    let at = |key: &str| format!("sign_in.provider[0].{key}");
    for (line, wrong, key) in [
        ("id = \"corp\"", "id = \"Corp\"", "id"),
        ("id = \"corp\"", "id = \"\"", "id"),
        ("id = \"corp\"", "id = \"a/b\"", "id"),
        ("id = \"corp\"", "id = \"callback\"", "id"),
        ("id = \"corp\"", "id = \"demo\"", "id"),
        ("kind = \"oidc\"", "kind = \"ldap\"", "kind"),
        ("\"Example.com\"", "\"ada@example.com\"", "domains"),
        ("\"Example.com\"", "7", "domains"),
        ("https://login", "http://login", "issuer"),
        ("https://login.example.com", "https://login.microsoftonline.com/common/v2.0", "issuer"),
        ("issuer = \"https://login.example.com\"", "", "issuer"),
        ("client_id = \"wicketgate\"", "", "client_id"),
        ("{ env = \"SECRET\" }", "{ env = \"NOT_SET\" }", "client_secret"),
        ("{ env = \"SECRET\" }", "\"\"", "client_secret"),
        ("client_secret = { env = \"SECRET\" }", "", "client_secret"),
    ] {
        assert!(OIDC.contains(line), "{line}");
        only_mistake(&OIDC.replace(line, wrong), &at(key));
    }
    for (line, key) in [
        ("discovery_url = \"http://login.example.com/x\"", "discovery_url"),
        ("client_auth = \"basic\"", "client_auth"),
        ("client_auth = \"none\"", "client_secret"),
        ("client_key_id = \"k1\"", "client_key_id"),
        ("client_key = { env = \"SECRET\" }", "client_key"),
        ("scopes = [\"openid profile\"]", "scopes"),
        ("scopes = \"openid\"", "scopes"),
        ("claims = { user = \"\" }", "claims.user"),
        ("claims = { group = \"roles\" }", "claims.group"),
        ("trusted_audiences = \"api\"", "trusted_audiences"),
        ("signing_algorithms = [\"HS256\"]", "signing_algorithms"),
        ("signing_algorithms = [\"none\"]", "signing_algorithms"),
        ("signing_algorithms = []", "signing_algorithms"),
        ("clock_skew_seconds = 301", "clock_skew_seconds"),
        ("userinfo = \"sometimes\"", "userinfo"),
        ("group_overage = \"graph\"", "group_overage"),
        ("graph_url = \"https://graph.example.com\"", "graph_url"),
        ("group_overage = \"microsoft_graph\"\ngraph_url = \"http://g.example\"", "graph_url"),
        ("authorize_parameters = { state = \"x\" }", "authorize_parameters"),
        ("authorize_parameters = { prompt = 1 }", "authorize_parameters.prompt"),
        ("max_age_seconds = -1", "max_age_seconds"),
        ("recheck_seconds = 60", "scopes"),
        ("scopes = [\"offline_access\"]\nrecheck_seconds = 59", "recheck_seconds"),
        ("scopes = [\"offline_access\"]\nrecheck_seconds = 86401", "recheck_seconds"),
        ("logout = \"everywhere\"", "logout"),
        ("backchannel_logout = true", "backchannel_logout"),
        ("extra_ca_file = \"no-such-file.pem\"", "extra_ca_file"),
        ("extra_ca_file = \"idp-good.xml\"", "extra_ca_file"),
        ("redirect_uri = \"https://mcp.example.com/cb\"", "redirect_uri"),
        ("enabled = \"perhaps\"", "enabled"),
        ("isuer = \"https://login.example.com\"", "isuer"),
        ("metadata_url = \"https://login.example.com/metadata\"", "metadata_url"),
        ("minimum_password_length = 12", "minimum_password_length"),
    ] {
        only_mistake(&format!("{OIDC}{line}\n"), &at(key));
    }
    for (line, wrong, key) in [
        ("https://portal", "http://portal", "url"),
        ("https://portal", "javascript:", "url"),
        ("{ env = \"PORTAL\" }", "\"short\"", "key"),
        ("key = { env = \"PORTAL\" }", "", "key"),
        ("key = {", "algorithm = \"ES256\"\nkey = {", "key"),
        ("key = {", "algorithm = \"RS256\"\nkey = {", "algorithm"),
    ] {
        only_mistake(&PORTAL.replace(line, wrong), &at(key));
    }
    only_mistake(
        &format!("{LOCAL}minimum_password_length = 4\n"),
        "sign_in.provider[0].minimum_password_length",
    );
}

/// A9: an address in a rule counts only from the provider that owns its domain, or from the one
/// that the rule names; a rule that could never count is a mistake.
#[test]
fn an_address_in_a_rule_needs_a_provider_that_speaks_for_it() {
    let rule = |more: &str| format!("{OIDC}[[user_type]]\ntype = \"administrator\"\n{more}\n");
    load(&rule("emails = [\"ada@EXAMPLE.com\"]")).expect("corp owns the domain");
    load(&rule("provider = \"corp\"\nemails = [\"ada@example.org\"]")).expect("it names one");
    only_mistake(&rule("emails = [\"ada@example.org\"]"), "user_type[0].emails");
    only_mistake(&rule("emails = [\"no address\"]"), "user_type[0].emails");
    only_mistake(&rule("provider = \"crop\"\ngroups = [\"a\"]"), "user_type[0].provider");
    let nobody = only_mistake(&rule("provider = \"corp\""), "user_type[0].type");
    assert!(nobody.reason.contains("nobody"), "{nobody:?}");
    // A disabled provider speaks for nobody's address.
    let disabled = rule("emails = [\"ada@example.com\"]").replacen(OIDC, "", 1);
    only_mistake(&format!("{OIDC}enabled = false\n{disabled}"), "user_type[0].emails");
}

/// A secret in the wrong place is told without its value.
#[test]
fn a_misplaced_secret_is_not_shown() {
    for line in ["key = \"SECRET\"", "client_key = \"SECRET\"", "client_secrets = \"SECRET\""] {
        let line = line.replace("SECRET", SECRETS[0]);
        assert_eq!(problems(&format!("{OIDC}{line}\n")).len(), 1);
    }
    let loaded = load(&format!("{OIDC}{PORTAL}")).expect("it is good");
    let shown: Vec<_> = loaded.shown.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    assert!(shown.contains("sign_in.provider[0].client_secret = ***"), "{shown}");
    assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
    assert!(!format!("{:?}", loaded.settings).contains(SECRETS[0]));
    assert!(!format!("{:?}", loaded.settings).contains(SECRETS[1]));
}

/// A key of another kind is more than a misspelling, and the words say so.
#[test]
fn a_key_of_another_kind_has_its_own_words() {
    let problem =
        only_mistake(&format!("{LOCAL}client_id = \"x\"\n"), "sign_in.provider[0].client_id");
    assert!(problem.reason.contains("oidc") && problem.reason.contains("local"), "{problem:?}");
}

#[test]
fn all_mistakes_of_one_provider_at_once() {
    let found = problems(
        r#"
        [[sign_in.provider]]
        id = "corp"
        kind = "oidc"
        issuer = "http://login.example.com"
        client_secret = { env = "SECRET" }
        scopes = ["a b", "c d"]
        claims = { user = "" }
        authorize_parameters = { state = "x", nonce = "y" }
        "#,
    );
    let mut keys: Vec<_> = found
        .iter()
        .map(|problem| problem.key.trim_start_matches("sign_in.provider[0]."))
        .collect();
    keys.sort_unstable();
    let expected = [
        "authorize_parameters",
        "authorize_parameters",
        "claims.user",
        "client_id",
        "issuer",
        "scopes",
        "scopes",
    ];
    assert_eq!(keys, expected, "{found:?}");
}

#[test]
fn what_must_not_be_there_twice_or_together() {
    let other = OIDC.replace("Example.com", "example.org");
    only_mistake(&format!("{OIDC}{other}"), "sign_in.provider");
    let renamed = OIDC.replace("\"corp\"", "\"other\"");
    only_mistake(&format!("{OIDC}{renamed}"), "sign_in.provider");
    let second = LOCAL.replace("id = \"local\"", "id = \"second\"");
    only_mistake(&format!("{LOCAL}{second}enabled = false\n"), "sign_in.provider");
    // The people of a try need loopback.
    for line in ["demo_people = true", "dev_fixed_user = \"me\""] {
        let base = BASE.replace("https://mcp.example.com/wfgen", "http://127.0.0.1:8787");
        let text = format!("{base}[sign_in]\n{line}\n{OIDC}{SERVER}");
        let problems = config::load(&source(&text, Path::new("")), Role::All).err();
        let keys: Vec<_> = problems.expect("a problem").0.into_iter().map(|p| p.key).collect();
        assert_eq!(keys, ["sign_in.provider"], "{line}");
    }
}
