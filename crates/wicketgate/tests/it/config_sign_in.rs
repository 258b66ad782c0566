//! `[[sign_in.provider]]`, `[[user_type]]` and access: good ones, and every mistake at its key.

mod mistakes;
mod outbound;
#[cfg(feature = "saml")]
mod saml;

use std::collections::BTreeMap;
use std::path::Path;

use kernel::encoding::base64;
use testkit::prepare;
use wicketgate::config::{
    self, KindSettings, Loaded, Problem, Problems, ProviderSettings, Role, SignInSettings, Source,
};

use crate::world::BRIDGE_SECRET;

const BASE: &str = r#"
public_url = "https://mcp.example.com/wfgen"
[oauth]
key_encryption_key = { env = "KEY" }
bridge_token_signing_secret = { env = "BRIDGE" }
"#;

const SERVER: &str = r#"
[[mcp.server]]
upstream = { url = "http://127.0.0.1:9000/mcp" }
"#;

const OIDC: &str = r#"
[[sign_in.provider]]
id = "corp"
name = "Northwind"
kind = "oidc"
domains = ["Example.com"]
issuer = "https://login.example.com"
client_id = "wicketgate"
client_secret = { env = "SECRET" }
"#;

const PORTAL: &str = r#"
[[sign_in.provider]]
id = "intranet"
kind = "portal"
url = "https://portal.example.com/sso"
key = { env = "PORTAL" }
"#;

const SAML: &str = r#"
[[sign_in.provider]]
id = "old"
kind = "saml"
metadata_file = "idp-good.xml"
"#;

const LOCAL: &str = r#"
[[sign_in.provider]]
id = "local"
kind = "local"
"#;

/// What must never be seen: in a problem, or among the effective values.
const SECRETS: [&str; 2] = ["the secret of the client", "a key that the portal and we share"];

fn source(text: &str, directory: &Path) -> Source {
    prepare();
    let environment = [
        ("KEY", base64(&[7; 32])),
        ("BRIDGE", BRIDGE_SECRET.to_owned()),
        ("SECRET", SECRETS[0].to_owned()),
        ("PORTAL", SECRETS[1].to_owned()),
    ];
    Source {
        text: text.to_owned(),
        directory: directory.to_path_buf(),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

fn load(tables: &str) -> Result<Loaded, Problems> {
    let text = format!("{BASE}{tables}{SERVER}");
    config::load(&source(&text, Path::new("tests/it/fixtures")), Role::All)
}

#[track_caller]
fn providers(tables: &str) -> Vec<ProviderSettings> {
    let loaded = load(tables).unwrap_or_else(|problems| panic!("{problems}\n{tables}"));
    match loaded.settings.oauth.expect("the section").sign_in {
        SignInSettings::Providers(providers) => providers,
        other => panic!("{other:?}"),
    }
}

fn problems(tables: &str) -> Vec<Problem> {
    let found = load(tables).err().map_or_else(Vec::new, |problems| problems.0);
    let shown = Problems(found.clone()).to_string();
    assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
    found
}

/// These tables have exactly one mistake, and it is told at this key with a reason and a fix.
#[track_caller]
fn only_mistake(tables: &str, key: &str) -> Problem {
    let mut found = problems(tables);
    assert_eq!(found.len(), 1, "{key}: {found:?}\n{tables}");
    let problem = found.remove(0);
    assert_eq!(problem.key, key, "{problem:?}\n{tables}");
    assert!(!problem.reason.is_empty() && !problem.fix.is_empty(), "{problem:?}");
    problem
}

#[test]
fn every_kind_beside_each_other() {
    let found = providers(&format!("{OIDC}{PORTAL}{LOCAL}minimum_password_length = 15\n"));
    let ids: Vec<_> = found.iter().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["corp", "intranet", "local"], "in the order of the file");
    assert_eq!((found[0].name.as_str(), found[1].name.as_str()), ("Northwind", "intranet"));
    assert_eq!(found[0].domains, ["example.com"]);
    let KindSettings::Oidc(oidc) = &found[0].kind else { panic!("{found:?}") };
    let callback = "https://mcp.example.com/wfgen/sign-in/corp/callback";
    assert_eq!(oidc.config.redirect_uri, callback);
    assert_eq!(oidc.config.clock_skew_seconds, 60);
    assert!(matches!(oidc.config.client_auth, sso::oidc::ClientAuth::Basic(_)));
    assert!(matches!(found[1].kind, KindSettings::Portal(_)));
    assert!(matches!(found[2].kind, KindSettings::Local));
}

/// O5: a rule that waits for groups which nobody is asked for is said, and one provider that is
/// asked is enough.
#[test]
fn rules_that_wait_for_groups_nobody_sends_are_worth_a_look() {
    let advice = |tables: &str| -> Vec<String> {
        let loaded = load(tables).unwrap_or_else(|problems| panic!("{problems}\n{tables}"));
        loaded.advice.iter().map(ToString::to_string).collect()
    };
    let asked = format!("{OIDC}claims = {{ groups = \"groups\" }}\n");
    let not_asked = format!("{OIDC}claims = {{ groups = \"\" }}\n");
    let rule = "[[user_type]]\ntype = \"administrator\"\ngroups = [\"admins\"]\n";
    let of_corp = format!("{rule}provider = \"corp\"\n");
    let by_claim = "[[user_type]]\ntype = \"administrator\"\nclaims = { hd = [\"x\"] }\n";
    for (tables, said) in [
        (format!("{asked}{rule}"), false),
        (format!("{not_asked}{rule}"), true),
        (format!("{not_asked}{by_claim}"), false),
        (format!("{not_asked}{LOCAL}{rule}"), false),
        (format!("{not_asked}{LOCAL}{of_corp}"), true),
    ] {
        let found = advice(&tables);
        let about = found.iter().any(|line| line.starts_with("user_type[0].groups: no provider"));
        assert_eq!(about, said, "{tables}: {found:?}");
    }
    let server = "access = \"restricted\"\nallow = { groups = [\"finance\"] }\n";
    let text = format!("{BASE}{not_asked}{SERVER}{server}");
    let loaded = config::load(&source(&text, Path::new(".")), Role::All).expect("good");
    assert!(loaded.advice.iter().any(|one| one.key == "mcp.server[0].allow.groups"));
}

/// The callback follows the issuer that clients know, not the public URL.
#[test]
fn the_callback_is_below_the_issuer() {
    let base = BASE.replace("[oauth]", "[oauth]\nissuer = \"https://old.example.com\"");
    let text = format!("{base}{OIDC}{SERVER}");
    let loaded = config::load(&source(&text, Path::new("")), Role::All).expect("it is good");
    let SignInSettings::Providers(found) = loaded.settings.oauth.expect("the section").sign_in
    else {
        panic!("no providers");
    };
    let KindSettings::Oidc(oidc) = &found[0].kind else { panic!("{found:?}") };
    assert_eq!(oidc.config.redirect_uri, "https://old.example.com/sign-in/corp/callback");
}

#[test]
fn a_disabled_provider_is_checked_and_left_out() {
    let disabled = format!("{OIDC}{PORTAL}enabled = false\n");
    let ids: Vec<_> = providers(&disabled).into_iter().map(|provider| provider.id).collect();
    assert_eq!(ids, ["corp"]);
    let wrong = disabled.replace("https://portal.example.com", "http://portal.example.com");
    only_mistake(&wrong, "sign_in.provider[1].url");
    // It may wait to take over the domain, and its accounts can be managed.
    providers(&format!("{OIDC}{LOCAL}domains = [\"example.com\"]\nenabled = false\n"));
    let loaded = load(&format!("{LOCAL}enabled = false\n")).expect("it is good");
    let oauth = loaded.settings.oauth.expect("the section");
    assert!(matches!(oauth.sign_in, SignInSettings::Nobody));
    let accounts = oauth.accounts.expect("accounts");
    assert_eq!((accounts.provider.as_str(), accounts.minimum_password_length), ("local", 12));
}

/// Asking about people between sign-ins is off unless it is wanted, and then needs something to ask
/// with: the scope, or what Google has instead.
#[test]
fn asking_again_is_off_unless_it_is_wanted() {
    for (lines, seconds) in [
        ("", 0),
        ("recheck_seconds = 0", 0),
        ("scopes = [\"openid\", \"offline_access\"]\nrecheck_seconds = 60", 60),
        ("authorize_parameters = { access_type = \"offline\" }\nrecheck_seconds = 86400", 86_400),
    ] {
        let found = providers(&format!("{OIDC}{lines}\n"));
        let KindSettings::Oidc(oidc) = &found[0].kind else { panic!("{found:?}") };
        assert_eq!(oidc.config.recheck_seconds, seconds, "{lines}");
    }
    let problem =
        only_mistake(&format!("{OIDC}recheck_seconds = 600\n"), "sign_in.provider[0].scopes");
    assert!(problem.fix.contains("offline_access"), "{problem:?}");
}

/// Nobody counts on logout tokens who did not write so: the setting's default is no such word.
#[test]
fn logout_tokens_are_counted_on_where_the_file_says_so() {
    for (lines, expects) in [
        ("", false),
        ("backchannel_logout = \"off\"", false),
        ("backchannel_logout = \"sessions\"", true),
        ("backchannel_logout = \"sessions_and_grants\"", true),
    ] {
        let found = providers(&format!("{OIDC}trusted_audiences = [\"api\"]\n{lines}\n"));
        let KindSettings::Oidc(oidc) = &found[0].kind else { panic!("{found:?}") };
        assert_eq!(oidc.config.expects_logout_tokens, expects, "{lines}");
        assert_eq!(oidc.config.trusted_audiences, ["api"]);
    }
}

/// The sidecar alone needs neither the secrets nor the files of sign-in, but sees slips.
#[test]
fn the_sidecar_alone_needs_no_secrets_of_sign_in() {
    let saml = "[[sign_in.provider]]\nid = \"old\"\nkind = \"saml\"\nmetadata_file = \"none.xml\"\n\
                key = { env = \"NOT_SET\" }\ncertificate_file = \"none.pem\"\n";
    let tables = format!("{OIDC}extra_ca_file = \"none.pem\"\n{PORTAL}{saml}")
        .replace("\"SECRET\"", "\"NOT_SET\"")
        .replace("\"PORTAL\"", "\"NOT_SET\"");
    let alone = |tables: &str| {
        let text = format!(
            "{BASE}{tables}[mcp]\nissuer = \"https://mcp.example.com\"\n\
                            sealing_key = {{ env = \"KEY\" }}\n{SERVER}"
        );
        config::load(&source(&text, Path::new("")), Role::Mcp).err().map_or(vec![], |all| all.0)
    };
    assert_eq!(alone(&tables), []);
    let found = alone(&tables.replace("userinfo", "").replace("client_id", "client"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].key, "sign_in.provider[0].client");
}

/// What rules look at is what is kept of a person.
#[test]
fn rules_and_access() {
    let rules = r#"
        [[user_type]]
        type = "administrator"
        organizations = ["northwind"]
        claims = { department = ["IT", "Operations"] }
    "#;
    let loaded = load(&format!("{OIDC}{rules}")).expect("it is good");
    let people = &loaded.settings.oauth.as_ref().expect("the section").user_types[0].people;
    assert_eq!(people.organizations, ["northwind"]);
    assert_eq!(people.claims["department"], ["IT", "Operations"]);
    assert_eq!(loaded.settings.mcp.servers[0].access, sso::people::Access::Open);
    for (claims, key) in [
        ("{ department = \"IT\" }", "user_type[0].claims.department"),
        ("{ department = [] }", "user_type[0].claims.department"),
        ("{ department = [\"IT\", 7] }", "user_type[0].claims.department"),
        ("[\"department\"]", "user_type[0].claims"),
    ] {
        only_mistake(
            &format!(
                "{OIDC}{}",
                rules.replace("{ department = [\"IT\", \"Operations\"] }", claims)
            ),
            key,
        );
    }
    let with = |lines: &str| {
        let text = format!("{BASE}{OIDC}{SERVER}{lines}\n");
        config::load(&source(&text, Path::new("")), Role::All)
    };
    let loaded = with("access = \"restricted\"\nallow = { groups = [\"finance\"] }");
    let server = &loaded.expect("it is good").settings.mcp.servers[0];
    let sso::people::Access::Restricted(people) = &server.access else { panic!("{server:?}") };
    assert_eq!(people.groups, ["finance"]);
    for (lines, key) in [
        ("access = \"restricted\"", "mcp.server[0].allow"),
        ("access = \"restricted\"\nallow = { groups = [] }", "mcp.server[0].allow"),
        (
            "access = \"restricted\"\nallow = { groups = [\"x\"], team = [] }",
            "mcp.server[0].allow.team",
        ),
        ("allow = { groups = [\"finance\"] }", "mcp.server[0].allow"),
        ("access = \"closed\"", "mcp.server[0].access"),
        (
            "access = \"restricted\"\nallow = { emails = [\"ada@example.org\"] }",
            "mcp.server[0].allow.emails",
        ),
        (
            "access = \"restricted\"\nallow = { provider = \"crop\", groups = [\"x\"] }",
            "mcp.server[0].allow.provider",
        ),
    ] {
        let found = with(lines).err().map_or(vec![], |problems| problems.0);
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert_eq!(found[0].key, key, "{lines}");
    }
}

/// Overrides from the environment do not reach arrays of tables.
#[test]
fn the_environment_does_not_reach_providers() {
    let mut source = source(&format!("{BASE}{OIDC}{SERVER}"), Path::new(""));
    let variable = "WICKETGATE__SIGN_IN__PROVIDER__CLIENT_ID".to_owned();
    source.environment.extend(BTreeMap::from([(variable, "other".to_owned())]));
    let found = config::load(&source, Role::All).expect_err("a problem").0;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].reason.contains("WICKETGATE__SIGN_IN__PROVIDER__CLIENT_ID"), "{found:?}");
}

/// Every snippet of the documentation has keys that exist, with values that can be.
#[test]
fn the_documentation_uses_keys_that_exist() {
    let mut seen = 0;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sign-in");
    for page in std::fs::read_dir(&directory).expect("the pages") {
        let page = page.expect("a page").path();
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&page).expect("a page");
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            seen += 1;
            let source = source(&format!("{BASE}{block}"), Path::new(""));
            let found = config::load(&source, Role::All).err().map_or(vec![], |all| all.0);
            let bad = ["no such", "a key of kind", "must be", "no effect", "not valid"];
            let slips = found.iter().filter(|problem| {
                problem.key.is_empty() || bad.iter().any(|words| problem.reason.contains(words))
            });
            let slips: Vec<_> = slips.collect();
            assert!(slips.is_empty(), "{}: {slips:?}\n{block}", page.display());
        }
    }
    assert!(seen >= 10, "only {seen} snippets were found");
}

/// A build without SAML says so, and how to get one with it.
#[cfg(not(feature = "saml"))]
#[test]
fn a_build_without_saml_says_so() {
    let problem = only_mistake(SAML, "sign_in.provider[0].kind");
    assert!(problem.fix.contains("--features saml"), "{problem:?}");
}
