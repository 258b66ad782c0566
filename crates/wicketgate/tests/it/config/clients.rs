//! `[[oauth.client]]`: how clients that an operator registers prove who they are.

use kernel::Timestamp;
use model::client::{AssertionAudience, Signing};
use model::{Client, ClientAuth};
use wicketgate::config::{self, Role, Source};

use super::{GOOD, names, problems, source};

const CLIENT: &str = "[[oauth.client]]\nid = \"x\"\nredirect_uris = [\"https://x.example/cb\"]\n";

const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn with(client: &str) -> String {
    let text = GOOD.replace("[sign_in]", &format!("{CLIENT}{client}\n[sign_in]"));
    assert_ne!(text, GOOD);
    text
}

fn clients(source: &Source) -> Vec<Client> {
    let loaded = config::load(source, Role::All);
    loaded.expect("it is good").settings.oauth.expect("its section").clients
}

fn client(text: &str) -> Client {
    clients(&source(&with(text))).remove(0)
}

/// CA-7, CA-8 (RFC 6749 §2.3.1): a secret and the one before it, each for its time.
#[test]
fn ca_7_two_secrets_and_their_ends() {
    let client = client(
        "secret = \"the-new-secret-0123\"\nold_secret = \"the-old-secret-0123\"\n\
         old_secret_expires_at = 2027-01-15T10:00:00+02:00",
    );
    let ClientAuth::Secrets(secrets) = &client.auth else { panic!("{:?}", client.auth) };
    let ends: Vec<_> = secrets.iter().map(|secret| secret.expires_at).collect();
    assert_eq!(ends, [None, Some(Timestamp::from_millis(1_800_000_000_000))]);
    for (mistake, key) in [
        ("old_secret = \"the-old-secret-0123\"", "secret"),
        ("secret = \"the-new-secret-0123\"\nold_secret = \"short\"", "old_secret"),
        ("secret = \"the-new-secret-0123\"\nold_secret = \"\"", "old_secret"),
        ("old_secret_expires_at = 2027-01-15T10:00:00Z", "old_secret_expires_at"),
        ("servers = [\"default\"]", "servers"),
        ("secret = \"the-new-secret-0123\"\nsecret_expires_at = \"soon\"", "secret_expires_at"),
        (
            "secret = \"the-new-secret-0123\"\nsecret_expires_at = 2027-01-15T10:00:00",
            "secret_expires_at",
        ),
    ] {
        names(&problems(&with(mistake)), &format!("oauth.client[0].{key}"));
    }
}

/// CA-4, RG-7: public keys, here or in a file; and what is wrong with them is told without them.
#[test]
fn ca_4_keys_of_a_client() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("x.jwks.json"), JWKS).expect("a file");
    let mut in_file = source(&with("jwks_file = \"x.jwks.json\""));
    in_file.directory = directory.path().to_owned();
    let inline = client(&format!("jwks = '{JWKS}'"));
    assert_eq!(clients(&in_file)[0].auth, inline.auth);
    let ClientAuth::PrivateKeyJwt(Signing { audience, .. }) = inline.auth else { panic!("keys") };
    assert_eq!(audience, AssertionAudience::Issuer);
    let both = client(&format!("jwks = '{JWKS}'\nassertion_for_token_endpoint = true"));
    let ClientAuth::PrivateKeyJwt(Signing { audience, .. }) = both.auth else { panic!("keys") };
    assert_eq!(audience, AssertionAudience::IssuerOrTokenEndpoint);
    let private = JWKS.replace("\"kid\"", "\"d\":\"CANARY\",\"kid\"");
    for (mistake, key) in [
        (format!("jwks = '{private}'"), "jwks"),
        ("jwks = '{\"keys\":[]}'".to_owned(), "jwks"),
        ("jwks = 'no JSON'".to_owned(), "jwks"),
        ("jwks = \"\"".to_owned(), "jwks"),
        ("jwks_file = \"is-not-there\"".to_owned(), "jwks_file"),
        (format!("jwks = '{JWKS}'\nsecret = \"the-new-secret-0123\""), "jwks"),
        ("jwks_uri = \"https://x.example/jwks\"".to_owned(), "jwks_uri"),
    ] {
        let found = problems(&with(&mistake));
        names(&found, &format!("oauth.client[0].{key}"));
        assert!(!format!("{found:?}").contains("CANARY"), "{found:?}");
    }
}

/// CA-8: a disabled client is checked, and is nobody.
#[test]
fn ca_8_a_disabled_client_is_nobody() {
    assert_eq!(clients(&source(&with("enabled = false"))), []);
    names(&problems(&with("enabled = false\nsecret = \"short\"")), "oauth.client[0].secret");
}

/// CC-2 (RFC 6749 §4.4): what a machine may do is written down, and nothing is assumed.
#[test]
fn cc_2_a_machine_is_told_what_it_may_do() {
    let good = "[[oauth.client]]\nid = \"robot\"\nsecret = \"the-robots-secret-0123\"\n\
                grant_types = [\"client_credentials\"]\nservers = [\"default\"]\n\
                scopes = [\"mcp:read\"]\n";
    let text = GOOD.replace("[sign_in]", &format!("{good}[sign_in]"));
    let loaded = config::load(&source(&text), Role::All).expect("it is good");
    let machines = loaded.settings.oauth.expect("its section").machines;
    assert_eq!(machines[0].servers, ["default"]);
    assert_eq!(machines[0].scopes, protocol::Scopes::READ);
    for (line, other, key) in [
        ("secret = \"the-robots-secret-0123\"", "", "secret"),
        ("servers = [\"default\"]", "", "servers"),
        ("scopes = [\"mcp:read\"]", "", "scopes"),
        ("id = \"robot\"", "id = \"usr_robot\"", "id"),
        ("[\"client_credentials\"]", "[\"password\"]", "grant_types"),
    ] {
        names(&problems(&text.replace(line, other)), &format!("oauth.client[0].{key}"));
    }
    let advice = text.replace("[\"default\"]", "[\"defualt\"]");
    let loaded = config::load(&source(&advice), Role::All).expect("it is good");
    let said = format!("{:?}", loaded.advice);
    assert!(said.contains("defualt"), "{said}");
}

/// IN-1, IN-3 (RFC 7662 §2.1): a resource server proves who it is and names its servers; nobody is
/// sent to it.
#[test]
fn in_3_a_resource_server_names_its_own() {
    let good = "[[oauth.client]]\nid = \"rs\"\nsecret = \"the-servers-secret-0123\"\n\
                introspects = [\"default\"]\n";
    let text = GOOD.replace("[sign_in]", &format!("{good}[sign_in]"));
    let loaded = config::load(&source(&text), Role::All).expect("it is good");
    assert_eq!(loaded.advice, []);
    let introspectors = loaded.settings.oauth.expect("its section").introspectors;
    assert_eq!(introspectors[0].servers, ["default"]);
    let public = text.replace("secret = \"the-servers-secret-0123\"\n", "");
    names(&problems(&public), "oauth.client[0].secret");
    let other = text.replace("[\"default\"]", "[\"defualt\"]");
    let loaded = config::load(&source(&other), Role::All).expect("it is good");
    assert!(format!("{:?}", loaded.advice).contains("defualt"), "{:?}", loaded.advice);
}

/// CI-14, T-CIMD-19: an operator may write down what the client of a document is; that it is switched off is
/// said elsewhere, since its document would still be there.
#[test]
fn a_client_of_a_document_can_be_pinned() {
    let pinned = |id: &str, more: &str| {
        let table = format!(
            "[[oauth.client]]\nid = \"{id}\"\nredirect_uris = [\"https://c.example.com/cb\"]\n{more}\n"
        );
        problems(&format!("{GOOD}{table}"))
    };
    let id = "https://client.example.com/client.json";
    assert_eq!(pinned(id, ""), []);
    names(&pinned(id, "enabled = false"), "oauth.client[0].enabled");
    for bad in
        ["https://client.example.com", "https://client.example.com/a/../b", "https://c.example/x#y"]
    {
        names(&pinned(bad, ""), "oauth.client[0].id");
    }
}
