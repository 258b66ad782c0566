//! `wicketgate doctor`: a good provider, and ones that are away or not what they seem.

use std::future::ready;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::response::{IntoResponse, Redirect};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use kernel::ManualClock;
use kernel::Timestamp;
use kernel::encoding::base64;
use serde_json::Value;
use testkit::{ForwardProxy, Idp};
use tokio::sync::Barrier;

use crate::world::{BRIDGE_SECRET, wicketgate};

const PUBLIC: &str = "https://mcp.example.com/wfgen";

/// What it said.
struct Said {
    code: Option<i32>,
    out: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("JSON")
    }
}

/// Runs it beside a configuration with these tables. It blocks, so the provider needs a thread of
/// its own.
fn doctor(directory: &Path, tables: &str, json: bool) -> Said {
    doctor_at(PUBLIC, directory, tables, json)
}

/// The same, of a deployment at this URL.
fn doctor_at(public: &str, directory: &Path, tables: &str, json: bool) -> Said {
    let text = format!(
        "public_url = \"{public}\"\n[oauth]\nkey_encryption_key = \"{}\"\n\
         bridge_token_signing_secret = \"{BRIDGE_SECRET}\"\n{tables}\n\
         [[mcp.server]]\nupstream = {{ url = \"http://127.0.0.1:9000/mcp\" }}\n",
        base64(&[7; 32]),
    );
    std::fs::write(directory.join("wicketgate.toml"), text).expect("written");
    let mut command = wicketgate(directory);
    command.args(["doctor", "--config", "wicketgate.toml"]).args(json.then_some("--json"));
    // Only the configuration says which proxy there is, so these lead nobody to a closed port.
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"] {
        command.env(variable, "http://127.0.0.1:1");
    }
    let output = tokio::task::block_in_place(|| command.output()).expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert_eq!(text(output.stderr), "", "{tables}");
    let said = Said { code: output.status.code(), out: text(output.stdout) };
    assert!(!said.out.contains(testkit::IDP_SECRET), "{}", said.out);
    // It looks, and leaves nothing behind.
    assert!(!directory.join("data").exists());
    said
}

fn oidc(issuer: &str, more: &str) -> String {
    format!(
        "[[sign_in.provider]]\nid = \"corp\"\nname = \"Northwind\"\nkind = \"oidc\"\n\
         issuer = \"{issuer}\"\nclient_id = \"wicketgate\"\nclient_secret = \"{}\"\n{more}\n",
        testkit::IDP_SECRET
    )
}

/// A provider that works: no failure, exit code 0, and everything that is to be registered there.
#[tokio::test(flavor = "multi_thread")]
async fn a_good_provider_passes() {
    let directory = tempfile::tempdir().expect("a directory");
    let idp = Idp::start(&ManualClock::at(Timestamp::from_millis(1_800_000_000_000))).await;
    let tables = idp.configuration("logout = \"provider\"");
    let said = doctor(directory.path(), &tables, false);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.out.contains("corp (Northwind, OpenID Connect)"), "{}", said.out);
    for path in ["/sign-in/corp/callback", "/sign-in/corp/backchannel-logout", "/signed-out"] {
        assert!(said.out.contains(&format!("{PUBLIC}{path}\n")), "{path}: {}", said.out);
    }
    assert!(!said.out.contains("failure"), "{}", said.out);
    let json = doctor(directory.path(), &tables, true).json();
    assert_eq!(json["good"], true);
    assert_eq!(json["providers"][0]["id"], "corp");
    let register = &json["providers"][0]["register"][0];
    assert_eq!(register["url"], format!("{PUBLIC}/sign-in/corp/callback"));
    let findings = json["providers"][0]["findings"].as_array().expect("findings");
    assert!(findings.len() > 4, "{json:#}");
    assert!(findings.iter().all(|finding| finding["verdict"] != "failure"), "{json:#}");
}

/// One that is away is named with the reason, and does not hide the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let idp = Idp::start(&ManualClock::at(Timestamp::from_millis(1_800_000_000_000))).await;
    // Nobody listens on port 1 of loopback.
    let away = oidc("http://127.0.0.1:1", "backchannel_logout = \"off\"");
    let tables = format!("{}{}", away, idp.configuration("").replace("\"corp\"", "\"other\""));
    let said = doctor(directory.path(), &tables, false);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.out.contains("http://127.0.0.1:1"), "{}", said.out);
    assert!(said.out.contains("cannot be reached"), "{}", said.out);
    assert!(said.out.contains("fix: "), "{}", said.out);
    assert!(!said.out.contains("corp/backchannel-logout"), "{}", said.out);
    let json = doctor(directory.path(), &tables, true);
    assert_eq!(json.code, Some(1));
    let json = json.json();
    assert_eq!(json["good"], false);
    let verdicts = |at: usize| {
        let findings = json["providers"][at]["findings"].as_array().expect("findings");
        findings.iter().filter(|finding| finding["verdict"] == "failure").count()
    };
    assert_eq!((verdicts(0), verdicts(1)), (1, 0), "{json:#}");
}

/// UP-2: a provider that calls itself something else.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_of_another_name_fails() {
    let directory = tempfile::tempdir().expect("a directory");
    let idp = Idp::start(&ManualClock::at(Timestamp::from_millis(1_800_000_000_000))).await;
    let tables = oidc(&format!("{}/", idp.issuer()), "");
    let said = doctor(directory.path(), &tables, false);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.out.contains("set issuer to exactly"), "{}", said.out);
}

/// Without providers there is little to examine, but that is said.
#[tokio::test(flavor = "multi_thread")]
async fn no_provider_at_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let nobody = doctor(directory.path(), "", false);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.out.contains("[[sign_in.provider]]"), "{}", nobody.out);
    let local = "[[sign_in.provider]]\nid = \"local\"\nkind = \"local\"\n";
    assert_eq!(doctor(directory.path(), local, false).code, Some(0));
    let portal = "[[sign_in.provider]]\nid = \"intranet\"\nkind = \"portal\"\n\
                  url = \"https://portal.example.com/\"\nkey = \"0123456789abcdef0123456789abcdef\"\n";
    let said = doctor(directory.path(), portal, false);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.out.contains(&format!("{PUBLIC}/authorize/resume")), "{}", said.out);
}

/// O9: what all `ok` cannot promise is said, once for each provider.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_sign_in_shows_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let idp = Idp::start(&ManualClock::at(Timestamp::from_millis(1_800_000_000_000))).await;
    let local = "[[sign_in.provider]]\nid = \"local\"\nkind = \"local\"\n";
    let tables = idp.configuration("") + local;
    let said = doctor(directory.path(), &tables, false).out;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("unseen")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in ["client id and its secret", "redirect URI is registered", "groups"] {
        assert!(lines[0].contains(part), "{said}");
    }
    let json = doctor(directory.path(), &tables, true).json();
    assert!(json["providers"][0]["unseen"].as_str().is_some_and(|text| text.contains("secret")));
    assert_eq!(json["providers"][1]["unseen"], Value::Null);
}

/// O5: rules that look at groups which nothing asks for. Many providers send them unasked, so that is
/// among what only a sign-in shows; where they could never come it is a warning.
#[tokio::test(flavor = "multi_thread")]
async fn rules_with_groups_are_compared_with_what_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let idp = Idp::start(&ManualClock::at(Timestamp::from_millis(1_800_000_000_000))).await;
    let rule = "[[user_type]]\ntype = \"administrator\"\ngroups = [\"admins\"]\n";
    let local = "[[sign_in.provider]]\nid = \"local\"\nkind = \"local\"\n";
    let of_local = rule.to_owned() + "provider = \"local\"\n";
    let asking = "scopes = [\"openid\", \"groups\"]";
    let without = "claims = { groups = \"\" }";
    for (tables, kind, words, said) in [
        (idp.configuration("") + rule, "  unseen", "scopes asks for none", true),
        (idp.configuration(asking) + rule, "  unseen", "look at groups", false),
        (idp.configuration("") + local + &of_local, "  unseen", "look at groups", false),
        (idp.configuration(without) + rule, "  warning", "user_type[0].groups: no provider", true),
        (idp.configuration("") + rule, "  warning", "user_type[0].groups", false),
    ] {
        let found = doctor(directory.path(), &tables, false);
        assert_eq!(found.code, Some(0), "{}", found.out);
        let mut lines = found.out.lines().filter(|line| line.starts_with(kind));
        assert_eq!(lines.any(|line| line.contains(words)), said, "{words}: {}", found.out);
    }
}

/// C8: clients refuse an endpoint that sends them to another origin.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_leads_to_another_origin_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let local = "[[sign_in.provider]]\nid = \"local\"\nkind = \"local\"\n";
    for (location, told) in [
        (&b"https://www.example.com/mcp"[..], Some("to https://www.example.com")),
        (b"javascript:alert(1)", Some("to a javascript: URL")),
        (b"https://", Some("to a Location that is no URL")),
        (b"/\xC3\xA4", Some("to a Location that is no URL")),
        (b"/elsewhere", None),
    ] {
        let origin = redirecting_to(location).await;
        let said = doctor_at(&origin, directory.path(), local, false);
        assert_eq!(said.code, Some(0), "{}", said.out);
        let warning = said.out.lines().find(|line| line.contains("answers with a redirect"));
        assert_eq!(warning.is_some(), told.is_some(), "{}", said.out);
        let (warning, told) = (warning.unwrap_or_default(), told.unwrap_or_default());
        assert!(warning.contains(told), "{warning}");
        assert!(warning.is_empty() || warning.contains(&format!("from {origin} ")), "{warning}");
    }
}

/// A server that is silent costs no other one its time: each of these answers once both were asked.
#[tokio::test(flavor = "multi_thread")]
async fn all_servers_are_asked_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let both = Arc::new(Barrier::new(2));
    let origin = serving(move || {
        let both = Arc::clone(&both);
        async move {
            both.wait().await;
            Redirect::permanent("https://www.example.com/")
        }
    })
    .await;
    let tables = "[[sign_in.provider]]\nid = \"local\"\nkind = \"local\"\n\
                  [[mcp.server]]\nname = \"second\"\n\
                  upstream = { url = \"http://127.0.0.1:9000/mcp\" }\n";
    let said = doctor_at(&origin, directory.path(), tables, false);
    assert_eq!(said.out.matches("answers with a redirect").count(), 2, "{}", said.out);
}

/// The origin of a web server that sends everybody there.
async fn redirecting_to(location: &'static [u8]) -> String {
    let location = HeaderValue::from_bytes(location).expect("a value");
    serving(move || ready((StatusCode::PERMANENT_REDIRECT, [(LOCATION, location.clone())]))).await
}

/// The origin of a web server that answers everybody so.
async fn serving<F, A>(answer: F) -> String
where
    F: Fn() -> A + Clone + Send + Sync + 'static,
    A: Future<Output: IntoResponse> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let everywhere = axum::Router::new().fallback(answer);
    tokio::spawn(async { axum::serve(listener, everywhere).await });
    origin
}

/// T-UP-02: a company's own certificate authority is trusted where it is named, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_authority_of_ones_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let site = Site::start(directory.path(), "localhost");
    let untrusted = doctor(directory.path(), &oidc(&site.issuer, ""), false);
    assert_eq!(untrusted.code, Some(1), "{}", untrusted.out);
    assert!(untrusted.out.contains("extra_ca_file"), "{}", untrusted.out);
    let tables = oidc(&site.issuer, "extra_ca_file = \"ca.pem\"");
    let trusted = doctor(directory.path(), &tables, false);
    assert!(!trusted.out.contains("cannot be reached"), "{}", trusted.out);
    assert!(trusted.out.contains(&format!("it names the issuer {}", site.issuer)));
}

/// Only a proxy leads to the provider, whose name nobody here can resolve.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_leads_to_the_provider() {
    let directory = tempfile::tempdir().expect("a directory");
    let site = Site::start(directory.path(), "idp.corp.test");
    let proxy = ForwardProxy::start(Some("gate:a-secret-of-the-proxy")).await;
    let there = oidc(&site.issuer, "extra_ca_file = \"ca.pem\"");
    std::fs::write(directory.path().join("proxy"), proxy.url_for("gate:a-secret-of-the-proxy"))
        .expect("written");
    let outbound = |more: &str| format!("[outbound]\nproxy = {{ file = \"proxy\" }}\n{more}\n");

    let direct = doctor(directory.path(), &there, false);
    assert!(direct.out.contains("cannot be reached"), "{}", direct.out);
    assert!(direct.out.contains("[outbound] proxy"), "{}", direct.out);
    let past = doctor(directory.path(), &(outbound("no_proxy = [\"corp.test\"]") + &there), false);
    assert!(past.out.contains("cannot be reached"), "{}", past.out);
    assert_eq!(proxy.asked(), Vec::<String>::new());

    let through = doctor(directory.path(), &(outbound("") + &there), false);
    assert!(through.out.contains(&format!("it names the issuer {}", site.issuer)));
    let asked = proxy.asked();
    let address = site.issuer.strip_prefix("https://").expect("https");
    assert!(!asked.is_empty() && asked.iter().all(|one| one == address), "{asked:?}");

    let wrong =
        there.clone() + "[outbound]\nproxy = \"" + &proxy.url_for("gate:wrong-one") + "\"\n";
    let wrong = doctor(directory.path(), &wrong, false);
    assert!(wrong.out.contains("proxy auth") && !wrong.out.contains("wrong-one"), "{}", wrong.out);
}

/// The metadata of a SAML provider, too.
#[cfg(feature = "saml")]
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_leads_to_metadata() {
    let directory = tempfile::tempdir().expect("a directory");
    let site = Site::start(directory.path(), "idp.corp.test");
    let proxy = ForwardProxy::start(None).await;
    let keys = testkit::saml::Keys::rsa(1_800_000_000).certified(1_600_000_000, 2_200_000_000);
    let metadata = testkit::saml::metadata(&[&keys]);
    std::fs::write(directory.path().join("idp.xml"), metadata).expect("written");
    let tables = format!(
        "[outbound]\nproxy = \"{}\"\n[[sign_in.provider]]\nid = \"corp\"\nkind = \"saml\"\n\
         metadata_url = \"{}/idp.xml\"\nextra_ca_file = \"ca.pem\"\n",
        proxy.url(),
        site.issuer
    );
    let said = doctor(directory.path(), &tables, false);
    assert!(said.out.contains(testkit::saml::ENTITY_ID), "{}", said.out);
    assert_eq!(proxy.asked().len(), 1);
}

/// A web server with a certificate of an authority that nobody knows.
struct Site {
    issuer: String,
    child: Child,
}

impl Site {
    fn start(directory: &Path, host: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let issuer = format!("https://{host}:{}", address.port());
        let openssl = |arguments: &str| {
            let arguments = arguments.split(' ');
            let made = Command::new("openssl").args(arguments).current_dir(directory).output();
            assert!(made.expect("openssl runs").status.success());
        };
        openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Northwind -keyout ca.key -out ca.pem",
        );
        openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout site.key -out site.csr");
        std::fs::write(directory.join("site.ext"), format!("subjectAltName=DNS:{host}\n"))
            .expect("written");
        openssl(
            "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile site.ext -out site.pem",
        );
        let description = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
        });
        let well_known = directory.join(".well-known");
        std::fs::create_dir(&well_known).expect("made");
        std::fs::write(well_known.join("openid-configuration"), description.to_string())
            .expect("written");
        std::fs::write(directory.join("jwks"), "{\"keys\":[]}").expect("written");
        let child = Command::new("openssl")
            .args([
                "s_server", "-WWW", "-quiet", "-cert", "site.pem", "-key", "site.key", "-accept",
            ])
            .arg(address.to_string())
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl serves");
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self { issuer, child }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
