//! What must never stand in a log.

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use testkit::{CapturedLog, Client, Connected, Era, McpCaller, Return, Secret, Tick, Tokens};

use crate::world::{BRIDGE_SECRET, Plan, VAULT_SECRET, World};

/// LG-2: the whole story at the finest level, with every secret that appeared in it. What
/// `audit export` prints of it holds none either.
#[tokio::test]
async fn lg_2_no_secret_is_logged() {
    let log = CapturedLog::start();
    for plan in [Plan::sqlite(), Plan::postgres().apart()] {
        let world = plan.start().await;
        let secrets = story(&world).await;
        assert!(secrets.len() >= 12, "{}", secrets.len());
        let export = ["audit", "export", "--until", "2100-01-01"];
        let record = world.try_command(&export, str::to_owned).stdout;
        let record = String::from_utf8(record).expect("text");
        assert!(record.contains("code.redeemed"), "it was exported");
        for secret in secrets.iter().map(String::as_str).chain([BRIDGE_SECRET, VAULT_SECRET]) {
            assert!(!record.contains(secret), "{secret:?} is on record");
        }
        log.is_free_of(secrets.iter().map(String::as_str));
        log.is_free_of([
            BRIDGE_SECRET,
            testkit::UPSTREAM_KEY,
            VAULT_SECRET,
            kernel::encoding::base64(&[7; 32]).as_str(),
        ]);
    }
    assert!(log.text().contains("consent given"), "the log was captured");
}

async fn story(world: &World) -> Vec<String> {
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let client = Client::register_with(world, &metadata).await;
    let Secret::Basic(secret) = client.secret.clone() else {
        panic!("a secret was registered");
    };
    let person = world.person();
    let ask = client.ask();
    let sign_in = person.get_once(&ask.url()).await;
    let handle = Return::read(sign_in.header("location").unwrap_or_default());
    let ask_again = client.ask();
    let consent = person.sign_in(&ask_again, "admin").await;
    let form = consent.form();
    let returned = person.allow(&consent, Tick::All).await.returned();
    // Failures are where logs talk most.
    let guess = testkit::random();
    let wrong = client.redeem(returned.code(), &[("code_verifier", &guess)]).await;
    wrong.refuses(400, "invalid_grant");
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask_again).await);
    let caller = McpCaller::new(world, &tokens.access, Era::Stateless);
    assert!(!caller.tools().await.is_empty());
    let changed = format!("{}x", tokens.access);
    let refused = caller.with_token(&changed).ask("tools/list", json!({})).await;
    assert_eq!(refused.status, 401);
    let in_query = format!("{}?access_token={}", world.mcp, tokens.access);
    assert_eq!(world.get(&in_query).await.status, 401);
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    let last = Tokens::of(&client.refresh(&next.refresh).await);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    assert_eq!(client.revoke(&last.refresh).await.status, 200);
    let mut secrets = person.given.lock().expect("no poison").clone();
    secrets.extend([
        secret,
        handle.get("txn").unwrap_or_default().to_owned(),
        form.values("txn")[0].to_owned(),
        form.values("csrf")[0].to_owned(),
        returned.code().to_owned(),
        ask_again.verifier.clone(),
        tokens.access,
        tokens.refresh,
        next.access,
        next.refresh,
        last.access,
        last.refresh,
    ]);
    secrets
}

/// T-LOG-04, LG-4: each event leaves exactly one record.
#[tokio::test]
async fn t_log_04_each_event_leaves_one_record() {
    for world in [World::sqlite().await, World::postgres().await] {
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(client.revoke(&next.refresh).await.status, 200);
        let person = world.person();
        let consent = person.sign_in(&client.ask(), "basic").await;
        person.press(&consent, "decision", "deny").await.returned();
        let dump = world.dump().await;
        for (kind, count) in [
            ("signing_key.created", 1),
            ("client.registered", 1),
            ("authorization.started", 2),
            ("person.signed_in", 2),
            ("consent.approved", 1),
            ("consent.denied", 1),
            ("code.redeemed", 1),
            ("refresh.rotated", 1),
            ("grant.revoked", 1),
        ] {
            let kind = format!("kind={kind} ");
            assert_eq!(dump.count_with("OAUTH_AUDIT", &kind), count, "{kind}");
        }
        assert_eq!(dump.count("OAUTH_AUDIT"), 11);
    }
}

/// T-LOG-02, LG-3: what others write cannot break a line of the log.
#[tokio::test]
async fn t_log_02_foreign_text_stays_in_its_line() {
    let log = CapturedLog::start();
    let world = World::sqlite().await;
    let forged = "\n2026-01-01T00:00:00Z ERROR forged: canary-line\n\u{1b}[31m\",\"level\":\"x";
    let metadata = json!({ "redirect_uris": ["https://h.example/cb"], "client_name": forged });
    let client = Client::register_with(&world, &metadata).await;
    let person = world.person();
    let ask = client.ask().set("state", forged);
    person.authorize(&ask, "basic", Tick::All).await.code();
    for name in ["client_id", "redirect_uri", "scope", "resource", "response_type", "prompt"] {
        person.visit(&client.ask().set(name, forged).url()).await;
    }
    client.redeem(forged, &[("code_verifier", forged)]).await;
    client.token(&[("grant_type", forged)]).await;
    let mut headers = HeaderMap::new();
    headers.insert("user-agent", HeaderValue::from_static("\t\"agent\" canary-agent"));
    world.get_with(&ask.url(), headers).await;
    let huge = "u".repeat(1 << 20);
    client.token(&[("grant_type", &huge)]).await;
    let text = log.text();
    assert!(!text.contains('\u{1b}'), "no escape sequences");
    for line in text.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{line}");
        let start: String = line.chars().take(300).collect();
        assert!(line.len() < 16 * 1024, "{} bytes: {start}", line.len());
    }
}
