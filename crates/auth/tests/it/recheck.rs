//! Asking a person's provider again when a client refreshes: `recheck_seconds`.

use std::time::Duration;

use protocol::UserType;
use serde_json::{Value, json};
use testkit::forge::Jwt;
use testkit::{CapturedLog, Client, Engine, Tokens};
use tokio::task::JoinSet;

use crate::company::{Company, Corp};
use crate::world::Plan;

const BASIC: &str = "mcp:read mcp:write";
const MANAGER: &str = "mcp:read mcp:write mcp:process_admin";

async fn company(plan: Plan) -> Company {
    Company::start(with_managers(plan), |corp| {
        offline(corp);
        corp.party.recheck_seconds = 60;
        corp.party.claims.organization = String::from("orgs");
    })
    .await
}

fn with_managers(plan: Plan) -> Plan {
    plan.group_is("managers", UserType::ProcessManager)
}

/// The provider gives refresh tokens.
fn offline(corp: &mut Corp) {
    corp.party.scopes = vec!["openid".to_owned(), "offline_access".to_owned()];
}

fn ada(groups: &[&str]) -> Value {
    json!({ "sub": "ada", "name": "Ada", "groups": groups, "orgs": ["acme"] })
}

/// Ada, with one client.
async fn connected(company: &Company, groups: &[&str]) -> (Client, Tokens) {
    let client = company.world.client().await;
    let tokens = company.connect(&company.world.person(), &client, ada(groups)).await;
    (client, tokens)
}

async fn next(client: &Client, tokens: &Tokens) -> Tokens {
    Tokens::of(&client.refresh(&tokens.refresh).await)
}

/// A demotion at the provider shrinks the very token that finds out, without a new sign-in; within
/// `recheck_seconds` nobody is asked; a re-promotion restores up to the grant.
#[tokio::test]
async fn a_demotion_reaches_the_next_token() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = company(plan).await;
        let (client, tokens) = connected(&company, &["staff", "managers"]).await;
        assert_eq!(tokens.scope, MANAGER);
        company.idp.now_says(&ada(&["staff"]));
        company.world.clock.advance_seconds(59);
        let tokens = next(&client, &tokens).await;
        assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (MANAGER, 0));
        company.world.clock.advance_seconds(1);
        let tokens = next(&client, &tokens).await;
        assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 1));
        assert_eq!(Jwt::read(&tokens.access).claims["user_type"], "basic");
        assert_eq!(company.world.dump().await.count_with("OAUTH_SUBJECT", "managers"), 0);
        company.world.clock.advance_seconds(59);
        let tokens = next(&client, &tokens).await;
        assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 1));

        company.idp.now_says(&ada(&["managers"]));
        company.world.clock.advance_seconds(1);
        let tokens = next(&client, &tokens).await;
        assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (MANAGER, 2));
    }
}

/// A promotion does not widen what was granted.
#[tokio::test]
async fn a_promotion_does_not_widen_a_grant() {
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["staff"]).await;
    assert_eq!(tokens.scope, BASIC);
    company.idp.now_says(&ada(&["managers"]));
    company.world.clock.advance_seconds(60);
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 1));
    assert_eq!(Jwt::read(&tokens.access).claims["user_type"], "process_manager");
    let wider = [("scope", MANAGER)];
    client.refresh_with(&tokens.refresh, &wider).await.refuses(400, "invalid_scope");
}

/// Who left the organization, or the group that may use the server, gets nothing more.
#[tokio::test]
async fn what_was_left_is_lost() {
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["staff"]).await;
    company.idp.now_says(&json!({ "sub": "ada", "groups": ["staff"], "orgs": ["globex"] }));
    company.world.clock.advance_seconds(60);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");

    let plan = Plan::sqlite().settings(|it| it.only_for("insiders"));
    let company = self::company(plan).await;
    let (client, tokens) = connected(&company, &["insiders"]).await;
    company.idp.now_says(&ada(&["staff"]));
    company.world.clock.advance_seconds(60);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    // Nothing was rotated, and the provider may think again.
    company.idp.now_says(&ada(&["insiders"]));
    company.world.clock.advance_seconds(60);
    next(&client, &tokens).await;
}

/// A provider that is away changes nothing, and is not asked by each request of each client.
#[tokio::test]
async fn a_provider_that_is_away_changes_nothing() {
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["managers"]).await;
    company.idp.now_says(&ada(&[]));
    company.idp.fail(true);
    company.world.clock.advance_seconds(60);
    let before = company.world.dump().await;
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (MANAGER, 1));
    let but = ["OAUTH_SUBJECT", "OAUTH_REFRESH_TOKEN", "OAUTH_AUDIT"];
    before.equals_but(&company.world.dump().await, &but);
    company.world.clock.advance_seconds(29);
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (MANAGER, 1));
    company.world.clock.advance_seconds(1);
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (MANAGER, 2));
    company.idp.fail(false);
    company.world.clock.advance_seconds(30);
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 3));
}

/// An answer that is not to be believed gives no token and ends nothing; the next one counts. The
/// provider takes each refresh token once, so this works only if the newer one was kept.
#[tokio::test]
async fn an_answer_about_somebody_else_is_no_answer() {
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["managers"]).await;
    company.idp.now_says(&json!({ "sub": "eve", "groups": ["managers"] }));
    company.world.clock.advance_seconds(60);
    for asked in 1..=2 {
        client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
        assert_eq!(company.idp.refreshes(), asked, "it cannot be sat out");
    }
    let dump = company.world.dump().await;
    assert_eq!((dump.count("OAUTH_SESSION"), dump.count("OAUTH_SUBJECT")), (1, 1));
    assert_eq!(dump.count_with("OAUTH_GRANT", "revoked_at=NULL"), 1);
    company.idp.now_says(&ada(&[]));
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 3));
}

/// Nobody makes us ask who has no right to the answer.
#[tokio::test]
async fn a_refused_request_asks_nobody() {
    let plan = Plan::sqlite().config(|config| config.refresh_token_lifetime = 1000);
    let company = company(plan).await;
    let (client, tokens) = connected(&company, &["staff"]).await;
    let stranger = company.world.client().await;
    company.world.clock.advance_seconds(60);
    let before = company.world.dump().await;
    stranger.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    client.refresh(&format!("wg_rt_{}", testkit::random())).await.refuses(400, "invalid_grant");
    let elsewhere = [("resource", "https://other.example/mcp")];
    client.refresh_with(&tokens.refresh, &elsewhere).await.refuses(400, "invalid_target");
    let wider = [("scope", "mcp:admin")];
    client.refresh_with(&tokens.refresh, &wider).await.refuses(400, "invalid_scope");
    company.world.clock.advance_seconds(1000);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    company.world.is_unchanged_since(&before).await;
    assert_eq!(company.idp.refreshes(), 0);
}

/// It is off by default: then nothing of the provider is kept to ask with.
#[tokio::test]
async fn without_the_setting_nobody_is_asked() {
    let company = Company::start(with_managers(Plan::sqlite()), offline).await;
    let (client, tokens) = connected(&company, &["managers"]).await;
    assert_eq!(company.idp.refresh_tokens().len(), 1, "the provider gave one");
    let dump = company.world.dump().await;
    assert_eq!(dump.values("OAUTH_SUBJECT", "upstream_refresh_sealed"), ["NULL"]);
    company.idp.now_says(&ada(&[]));
    company.world.clock.advance_seconds(100_000);
    assert_eq!(next(&client, &tokens).await.scope, MANAGER);
    assert_eq!(company.idp.refreshes(), 0);
}

/// LG-2, T-KEY-11: the provider's refresh tokens are sealed in the database and nowhere in the log,
/// whatever comes of them; a sealed one is worth nothing in another row.
#[tokio::test]
async fn lg_2_and_t_key_11_the_providers_tokens_are_seen_nowhere() {
    let log = CapturedLog::start();
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["staff"]).await;
    company.world.clock.advance_seconds(60);
    let tokens = next(&client, &tokens).await;
    let bob_client = company.world.client().await;
    let bob = json!({ "sub": "bob", "groups": ["staff"], "orgs": ["acme"] });
    let bobs = company.connect(&company.world.person(), &bob_client, bob).await;
    let dump = company.world.dump().await;
    let given = company.idp.refresh_tokens();
    assert_eq!(given.len(), 3);
    for token in &given {
        assert!(!dump.contains(token), "{token}");
    }
    assert_eq!(dump.count_with("OAUTH_SUBJECT", "upstream_refresh_sealed=NULL"), 0);
    let swap = "UPDATE OAUTH_SUBJECT SET upstream_refresh_sealed = (SELECT \
                upstream_refresh_sealed FROM OAUTH_SUBJECT WHERE external_id = 'ada') \
                WHERE external_id = 'bob'";
    company.world.database.execute(swap).await;
    company.world.clock.advance_seconds(60);
    next(&bob_client, &bobs).await;
    assert_eq!(company.idp.refreshes(), 1, "it does not open, so nobody was asked");
    company.idp.fail(true);
    let tokens = next(&client, &tokens).await;
    company.idp.fail(false);
    company.idp.withdraw();
    company.world.clock.advance_seconds(60);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    log.is_free_of(company.idp.refresh_tokens().iter().map(String::as_str));
    for line in ["recheck.no_answer", "recheck.refused", "recheck.cannot_open"] {
        assert!(log.text().contains(line), "{line} was not logged");
    }
}

/// Many clients' requests at two replicas are one question.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refreshes_ask_once_on_sqlite() {
    many_refreshes_ask_once(Engine::Sqlite).await;
}

/// The same on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refreshes_ask_once_on_postgres() {
    many_refreshes_ask_once(Engine::Postgres).await;
}

async fn many_refreshes_ask_once(engine: Engine) {
    let mut company = company(Plan::on(engine)).await;
    let (client, mut tokens) = connected(&company, &["staff"]).await;
    let nodes = [client.clone(), client.at(&company.world.replica().await)];
    for round in 1..=3 {
        company.world.clock.advance_seconds(60);
        let mut racing = JoinSet::new();
        for number in 0..16 {
            let (client, token) = (nodes[number % 2].clone(), tokens.refresh.clone());
            racing.spawn(async move { client.refresh(&token).await });
        }
        for answer in racing.join_all().await {
            assert_eq!(answer.status, 200, "{}", answer.body);
            tokens = Tokens::of(&answer);
        }
        assert_eq!(company.idp.refreshes(), round);
    }
}

/// A client that hangs up while we ask does not make us lose the provider's next token.
#[tokio::test]
async fn a_client_that_hangs_up_loses_nothing() {
    let company = company(Plan::sqlite()).await;
    let (client, tokens) = connected(&company, &["managers"]).await;
    company.idp.now_says(&ada(&["staff"]));
    company.world.clock.advance_seconds(60);
    let held = company.idp.hold().await;
    let asking = {
        let (client, token) = (client.clone(), tokens.refresh.clone());
        tokio::spawn(async move { client.refresh(&token).await })
    };
    eventually(async || company.idp.refreshes() == 1).await;
    asking.abort();
    assert!(asking.await.is_err(), "the client is gone");
    // Long enough for the server to see it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(held);
    eventually(async || company.world.dump().await.count_with("OAUTH_SUBJECT", "managers") == 0)
        .await;
    company.world.clock.advance_seconds(60);
    let tokens = next(&client, &tokens).await;
    assert_eq!((tokens.scope.as_str(), company.idp.refreshes()), (BASIC, 2));
}

async fn eventually(condition: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within five seconds");
}
