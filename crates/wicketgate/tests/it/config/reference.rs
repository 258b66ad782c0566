//! The annotated reference of every key.

use kernel::encoding::base64;
use wicketgate::config::show::Origin;
use wicketgate::config::{self, Loaded, Role, Source};

use super::source;
use crate::world::BRIDGE_SECRET;

/// What a deployment has to say.
const NEEDED: &str = r#"
public_url = "https://mcp.example.com"
[oauth]
key_encryption_key = { env = "WICKETGATE_KEY_ENCRYPTION_KEY" }
bridge_token_signing_secret = { env = "WICKETGATE_BRIDGE_SECRET" }
[[mcp.server]]
upstream = { url = "http://127.0.0.1:9000/mcp" }
"#;

fn load(text: &str) -> Loaded {
    let mut source: Source = source(text);
    source.environment.extend([
        ("WICKETGATE_KEY_ENCRYPTION_KEY".to_owned(), base64(&[7; 32])),
        ("WICKETGATE_BRIDGE_SECRET".to_owned(), BRIDGE_SECRET.to_owned()),
    ]);
    config::load(&source, Role::All).unwrap_or_else(|problems| panic!("{problems}"))
}

/// O11: whoever starts from the reference changes nothing by leaving a line as it is. It is a
/// configuration as it stands, and every value in it is the default.
#[test]
fn every_value_of_the_reference_is_the_default() {
    let (reference, needed) = (load(config::REFERENCE), load(NEEDED));
    let defaults: Vec<_> = needed.shown.iter().map(|shown| (&shown.key, &shown.value)).collect();
    let mut compared = 0;
    let written = reference.shown.iter().filter(|shown| shown.origin == Origin::File);
    for shown in written.filter(|shown| shown.value != "***") {
        let default = defaults.iter().find(|(key, _)| **key == shown.key);
        match default {
            Some((_, default)) => assert_eq!(&&shown.value, default, "{}", shown.key),
            None => panic!("{shown:?} is not a key of a small configuration"),
        }
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
    assert_eq!(reference.advice.len(), needed.advice.len(), "{:?}", reference.advice);
}

/// O11: a sidecar's file that is checked as another's is told apart before its secrets are missed.
#[test]
fn a_sidecars_file_is_pointed_to_its_role() {
    let file = NEEDED.replace("[oauth]", "[mcp]\nissuer = \"https://id.example.com\"");
    let file: Vec<&str> = file.lines().filter(|line| !line.contains("WICKETGATE_")).collect();
    let source = source(&file.join("\n"));
    let problems = super::problems_for(&source, Role::All);
    assert!(problems[0].fix.contains("--role mcp"), "{problems:?}");
    let as_sidecar = super::problems_for(&source, Role::Mcp);
    assert!(as_sidecar.iter().all(|problem| problem.key == "mcp.sealing_key"), "{as_sidecar:?}");
}

/// O11: only what is ours can be made by our command.
#[test]
fn a_missing_secret_of_somebody_else_is_not_generated() {
    for (line, ours) in [
        ("[oauth]\nkey_encryption_key = { env = \"NO\" }", true),
        ("[oauth]\nbridge_token_signing_secret = { file = \"no\" }", true),
        ("[oauth]\nold_key_encryption_keys = [{ env = \"NO\" }]", false),
        ("[database]\nurl = { env = \"NO\" }", false),
        ("[outbound]\nproxy = { env = \"NO\" }", false),
        ("[[oauth.client]]\nid = \"x\"\nsecret = { env = \"NO\" }", false),
        (
            "[[sign_in.provider]]\nid = \"x\"\nkind = \"oidc\"\nclient_secret = { env = \"NO\" }",
            false,
        ),
        (
            "[[sign_in.provider]]\nid = \"x\"\nkind = \"oidc\"\nclient_key = { file = \"no\" }",
            false,
        ),
        (
            "[[mcp.server]]\nupstream = { command = [\"sh\"], env = { KEY = { env = \"NO\" } } }",
            false,
        ),
        (
            "[[mcp.server]]\nupstream_auth = { kind = \"header\", name = \"K\", \
             value = { env = \"NO\" } }",
            false,
        ),
    ] {
        let problems = super::problems(&format!("public_url = \"https://a.example\"\n{line}"));
        let unset = problems.iter().find(|problem| {
            problem.reason.contains("is not set") || problem.reason.contains("cannot be read")
        });
        let fix = &unset.unwrap_or_else(|| panic!("{line}: {problems:?}")).fix;
        assert_eq!(fix.contains("secret generate"), ours, "{line}: {fix}");
        assert_eq!(fix.contains("{ file = "), !ours, "{line}: {fix}");
    }
}
