//! `wicketgate account` and `wicketgate user`, as an operator types them.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use kernel::encoding::base64;
use kernel::seal::SealingKey;
use serde_json::Value;
use store::unit::{SignIn, UpstreamRefresh};
use store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::world::{BRIDGE_SECRET, wicketgate};

const PASSWORD: &str = "correct horse battery";
const KEY: [u8; 32] = [7; 32];

const LOCAL: &str = "[[sign_in.provider]]\nid = \"emergency\"\nkind = \"local\"\n";

/// An operator's desk: a configuration with an up-to-date database.
struct Desk(TempDir);

/// What a command said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Self::with(LOCAL);
        assert_eq!(desk.run(&["migrate"], None).code, Some(0));
        desk
    }

    fn with(provider: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let text = format!(
            "public_url = \"https://mcp.example.com\"\n[server]\ntitle = \"Northwind: MCP\"\n\
             [database]\nurl = \"sqlite://{}\"\n[oauth]\nkey_encryption_key = \"{}\"\n\
             bridge_token_signing_secret = \"{BRIDGE_SECRET}\"\n{provider}\
             [[mcp.server]]\nupstream = {{ url = \"http://127.0.0.1:9000/mcp\" }}\n",
            directory.path().join("test.db").display(),
            base64(&KEY),
        );
        std::fs::write(directory.path().join("wicketgate.toml"), text).expect("written");
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs a command with this on standard input.
    fn run(&self, arguments: &[&str], input: Option<&str>) -> Said {
        let mut child = wicketgate(self.path())
            .args(arguments)
            .args(["--config", "wicketgate.toml"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut stdin = child.stdin.take().expect("an input");
        // A command that refuses at once closes its end.
        stdin.write_all(input.unwrap_or_default().as_bytes()).ok();
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let said =
            Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!said.out.contains(PASSWORD) && !said.err.contains(PASSWORD));
        said
    }

    #[track_caller]
    fn does(&self, arguments: &[&str], input: Option<&str>) -> Said {
        let said = self.run(arguments, input);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said
    }

    /// The command fails with these words and changes nothing.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], input: Option<&str>, words: &str) {
        let before = self.accounts();
        let said = self.run(arguments, input);
        assert_eq!(said.code, Some(1), "{arguments:?}: {}", said.out);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
        assert_eq!(self.accounts(), before);
    }

    fn accounts(&self) -> Value {
        let listed = self.does(&["account", "list", "--json"], None);
        serde_json::from_str(&listed.out).expect("JSON")
    }

    fn add(&self) {
        let arguments = [
            "account",
            "add",
            "Ada",
            "--name",
            "Ada Okafor",
            "--email",
            "ada@example.com",
            "--group",
            "admins",
            "--group",
            "staff",
        ];
        self.does(&arguments, Some(&format!("{PASSWORD}\r\nsecond line")));
    }

    async fn store(&self) -> Store {
        let url = format!("sqlite://{}", self.path().join("test.db").display());
        Store::open(StoreOptions::new(&url)).await.expect("a database")
    }

    async fn account(&self) -> model::Account {
        let store = self.store().await;
        let mut reader = store.read().await.expect("a reader");
        let account = store::account::find(reader.conn(), "ada").await;
        account.expect("readable").expect("an account")
    }
}

/// The password fits, and nothing that is listed or kept says what it is.
#[tokio::test]
async fn an_account_is_made_and_listed() {
    let desk = Desk::new();
    desk.add();
    let listed = desk.accounts();
    let account = &listed[0];
    assert_eq!(account["username"], "ada");
    assert_eq!(account["name"], "Ada Okafor");
    assert_eq!(account["email"], "ada@example.com");
    assert_eq!(account["groups"], serde_json::json!(["admins", "staff"]));
    assert_eq!(account["state"], "enabled");
    assert_eq!(account["one_time_codes"], false);
    assert_eq!(account.get("password_hash"), None);
    let hash = desk.account().await.password_hash;
    assert!(hash.starts_with("$argon2id$") && !listed.to_string().contains("argon2"));
    assert!(sso::local::password::verify(PASSWORD, Some(&hash)));
    let line = desk.does(&["account", "list"], None).out;
    assert!(line.contains("ada") && line.contains("Ada Okafor") && line.contains("enabled"));
    assert!(!line.contains("argon2"), "{line}");
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let desk = Desk::new();
    desk.add();
    desk.does(&["account", "password", "ADA"], Some("another good password\n"));
    let hash = desk.account().await.password_hash;
    assert!(sso::local::password::verify("another good password", Some(&hash)));
    assert!(!sso::local::password::verify(PASSWORD, Some(&hash)));
}

#[test]
fn what_cannot_be_an_account_is_refused() {
    let desk = Desk::new();
    desk.add();
    let password = Some(PASSWORD);
    desk.refuses(&["account", "add", "ada"], password, "already");
    desk.refuses(&["account", "add", "ADA"], password, "already");
    desk.refuses(&["account", "add", "a b"], password, "not a user name");
    desk.refuses(&["account", "add", "bob", "--email", "bob"], password, "not an e-mail address");
    desk.refuses(&["account", "add", "bob"], Some("short\n"), "at least 12 characters");
    desk.refuses(&["account", "add", "correct"], password, "user name");
    desk.refuses(&["account", "add", "bob"], Some("\n"), "no password");
    desk.refuses(&["account", "add", "bob"], None, "no password");
    for command in ["password", "totp", "disable", "enable"] {
        desk.refuses(&["account", command, "bob"], password, "there is no account bob");
    }
    // A password is never an argument.
    assert_eq!(desk.run(&["account", "add", "bob", "an argument"], None).code, Some(2));
    assert_eq!(desk.run(&["account", "add", "bob", "--password", "x"], None).code, Some(2));
}

/// The secret is shown once, kept sealed under the key that the server opens it with, and no code
/// works without it.
#[tokio::test]
async fn one_time_codes_are_set_up_and_taken_away() {
    let desk = Desk::new();
    desk.add();
    let uri = desk.does(&["account", "totp", "ada"], None).out;
    assert!(uri.starts_with("otpauth://totp/") && uri.lines().count() == 1, "{uri}");
    let uri = url::Url::parse(uri.trim()).expect("a URL");
    let shown = uri.query_pairs().find(|(name, _)| name == "secret").expect("a secret").1;
    let account = desk.account().await;
    let sealed = account.totp_sealed.as_deref().expect("sealed");
    assert!(!sealed.contains(&*shown));
    let key = SealingKey::from_bytes(KEY).derive("seal");
    let secret = key.open(sealed, &model::Account::totp_place(&account.id)).expect("it opens");
    let secret = sso::local::totp::TotpSecret::from_bytes(&secret).expect("a secret");
    let again = secret.uri("ada", "Northwind  MCP").expect("a URI");
    assert!(again.contains(&*shown), "the same secret");
    assert_eq!(desk.accounts()[0]["one_time_codes"], true);
    let listed = desk.does(&["account", "list"], None);
    assert!(!listed.out.contains(sealed) && !listed.out.contains(&*shown));
    assert_eq!(desk.does(&["account", "totp", "ada", "--remove"], None).out, "");
    assert_eq!(desk.account().await.totp_sealed, None);
}

#[test]
fn an_account_is_disabled_and_enabled() {
    let desk = Desk::new();
    desk.add();
    desk.does(&["account", "disable", "Ada"], None);
    assert_eq!(desk.accounts()[0]["state"], "disabled");
    desk.does(&["account", "enable", "ada"], None);
    assert_eq!(desk.accounts()[0]["state"], "enabled");
}

/// Both kinds of missing ground are told, with what to do.
#[test]
fn accounts_need_a_provider_and_a_database() {
    let desk = Desk::with("");
    let said = desk.run(&["account", "list"], None);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("kind = \"local\""), "{}", said.err);
    let desk = Desk::with(LOCAL);
    let said = desk.run(&["account", "add", "ada"], Some(PASSWORD));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("wicketgate migrate"), "{}", said.err);
    // The provider may be off: accounts are for the day on which it is switched on.
    let desk = Desk::with(&format!("{LOCAL}enabled = false\n"));
    desk.does(&["migrate"], None);
    desk.add();
}

/// `wicketgate user` shows who was there, and keeps one of them out.
#[tokio::test]
async fn people_are_listed_and_disabled() {
    let desk = Desk::new();
    let store = desk.store().await;
    let identity = sso::Identity {
        provider: "corp".to_owned(),
        external_id: "e-1".to_owned(),
        name: "Tom\u{1b}[2J".to_owned(),
        ..sso::Identity::default()
    };
    sign_in(&store, identity).await;
    let people = || -> Value {
        let out = desk.does(&["user", "list", "--json"], None).out;
        serde_json::from_str(&out).expect("JSON")
    };
    let listed = people();
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(listed[0]["provider"], "corp");
    assert!(listed[0]["disabled_at_ms"].is_null());
    let line = desk.does(&["user", "list"], None).out;
    assert!(line.contains(&id) && !line.contains('\u{1b}'), "{line:?}");
    desk.does(&["user", "disable", &id], None);
    assert!(people()[0]["disabled_at_ms"].is_i64());
    let again = desk.does(&["user", "disable", &id], None);
    assert!(again.err.contains("already disabled"), "{}", again.err);
    desk.does(&["user", "enable", &id], None);
    assert!(people()[0]["disabled_at_ms"].is_null());
    let nobody = desk.run(&["user", "disable", "usr_nobody"], None);
    assert_eq!(nobody.code, Some(1), "{}", nobody.out);
    store.close().await;
}

async fn sign_in(store: &Store, identity: sso::Identity) {
    let random = kernel::OsRandom::new();
    let now = kernel::Clock::now(&kernel::SystemClock);
    let session = kernel::Plain::<model::person::SessionSecret>::generate(&random).hash();
    let unit = SignIn {
        candidate_id: model::SubjectId::generate(&random),
        identity,
        user_type: protocol::UserType::Basic,
        session: (session, now.plus_seconds(60)),
        replaces: None,
        upstream_session: None,
        logout_hint_sealed: None,
        upstream_refresh: UpstreamRefresh::Forget,
        one_time: None,
        now,
    };
    store.write(unit).await.expect("signed in");
}
