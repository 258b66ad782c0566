//! Documents that change, go away or lead elsewhere: what is kept of them, and what is on record (CI-7,
//! CI-8, CI-15).

use std::time::Duration;

use serde_json::json;
use testkit::{Client, DocumentHost, Engine, Secret, Tick, Tokens};

use crate::documents::{PATH, REDIRECT, client, document, world};
use crate::world::Robot;

/// TK-4: a host that does not answer now is no fault of the client: it may keep what it has, and ask again.
/// CI-8: for a day the last good document counts; one that is taken away counts no more at once.
#[tokio::test]
async fn ci_8_a_host_that_is_away() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let client = client(&world, &host);
    for status in [403, 429, 500, 503] {
        host.answers(PATH, status, &[], "");
        let page = world.person().visit(&client.ask().url()).await;
        page.answer.is_local_error();
        assert!(page.answer.body.contains("administrator"), "{}", page.answer.body);
        assert!(!page.answer.body.contains("status"), "no word of what went wrong");
        let answer = client.refresh("wg_rt_x").await;
        answer.refuses(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
        world.clock.advance_seconds(11);
    }
    host.says(PATH, &document(&host));
    let ask = client.ask();
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);

    host.answers(PATH, 503, &[], "");
    world.clock.advance_seconds(3600);
    let asked = host.asked(PATH);
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(host.asked(PATH), asked + 1, "it was asked for, and the last good one counts");
    world.clock.advance_seconds(86_400);
    client.refresh(&next.refresh).await.refuses(503, "temporarily_unavailable");

    world.clock.advance_seconds(11);
    host.says(PATH, &document(&host));
    let next = Tokens::of(&client.refresh(&next.refresh).await);
    host.answers(PATH, 404, &[], "");
    world.clock.advance_seconds(3600);
    client.refresh(&next.refresh).await.refuses(401, "invalid_client");
}

/// CI-8: what this server must not ask is no failure of a host, so nothing stale covers it.
#[tokio::test]
async fn ci_8_a_document_that_leads_where_nobody_is_asked() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let client = client(&world, &host);
    host.says(PATH, &document(&host));
    let ask = client.ask();
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    let mut elsewhere = document(&host);
    elsewhere["token_endpoint_auth_method"] = json!("private_key_jwt");
    elsewhere["jwks_uri"] = json!("https://127.0.0.1/keys");
    host.says(PATH, &elsewhere);
    world.clock.advance_seconds(3600);
    client.refresh(&tokens.refresh).await.refuses(503, "temporarily_unavailable");
    let page = world.person().visit(&client.ask().url()).await;
    page.answer.is_local_error();
    assert!(page.answer.body.contains("administrator"), "{}", page.answer.body);
}

/// T-CIMD-14, CI-15: another key is another client to those who consented, and on record.
#[tokio::test]
async fn t_cimd_14_a_changed_key_is_asked_about_and_on_record() {
    const SITE: &str = "https://notes.example/cb";
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let mut says = document(&host);
    says["redirect_uris"] = json!([SITE]);
    host.says(PATH, &says);
    let client = Client::configured(&world, &host.at(PATH), Secret::None, SITE);
    let person = world.person();
    let ask = client.ask();
    let returned = person.authorize(&ask, "basic", Tick::All).await;
    Tokens::of(&client.exchange(returned.code(), &ask).await);
    person.arrives("none");
    assert!(person.visit(&client.ask().url()).await.left_to.is_some(), "remembered");

    says["token_endpoint_auth_method"] = json!("private_key_jwt");
    says["jwks"] = Robot::new(&host.at(PATH), &world.clock).jwks();
    host.says(PATH, &says);
    world.clock.advance_seconds(3600);
    let page = person.sign_in(&client.ask(), "basic").await;
    assert!(page.has_button("decision"), "{}", page.answer.body);
    let told = async {
        let changed = "detail=changed: https://notes.example/cb";
        while world.dump().await.count_with("OAUTH_AUDIT", changed) != 1 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let within = Duration::from_secs(10);
    tokio::time::timeout(within, told).await.expect("on record within seconds");
}

/// CI-15, T-CIMD-13: what a document said when the transaction began counts to its end.
#[tokio::test]
async fn t_cimd_13_a_transaction_keeps_what_the_document_said() {
    let host = DocumentHost::start().await;
    host.says(PATH, &document(&host));
    let world = world(Engine::Sqlite, &host).await;
    let (client, person) = (client(&world, &host), world.person());
    let ask = client.ask();
    let consent = person.sign_in(&ask, "basic").await;
    let mut changed = document(&host);
    changed["client_name"] = json!("Changed");
    changed["redirect_uris"] = json!(["http://127.0.0.1/elsewhere"]);
    host.says(PATH, &changed);
    world.clock.advance_seconds(301);
    let returned = person.allow(&consent, Tick::All).await.returned();
    Tokens::of(&client.exchange(returned.code(), &ask).await);
    world.person().visit(&client.ask().url()).await.answer.is_local_error();
    assert_eq!(host.asked(PATH), 2);
}

/// LG-1, T-LOG-04: that a client is new here, says something else of itself, or is not taken any more
/// is on record once each, whoever asks how often.
#[tokio::test]
async fn t_log_04_what_a_document_says_is_on_record() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let host = DocumentHost::start().await;
        let mut said = document(&host);
        host.says(PATH, &said);
        let world = world(engine, &host).await;
        let client = client(&world, &host);
        let ask = async || world.person().visit(&client.ask().url()).await;
        ask().await;
        ask().await;
        said["redirect_uris"] = json!([REDIRECT]);
        host.says(PATH, &said);
        world.clock.advance_seconds(90_000);
        ask().await;
        said["redirect_uris"] = json!(["javascript:alert(1)"]);
        host.says(PATH, &said);
        world.clock.advance_seconds(90_000);
        ask().await;
        let told = async {
            loop {
                let dump = world.dump().await;
                let of = |text: &str| dump.count_with("OAUTH_AUDIT", text);
                if of("kind=client.document_refused ") == 1 {
                    assert_eq!(of("kind=client.document_read "), 2);
                    assert_eq!(of("detail=new: http://127.0.0.1/callback"), 1);
                    assert_eq!(of(&format!("detail=changed: {REDIRECT}")), 1);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let within = Duration::from_secs(10);
        tokio::time::timeout(within, told).await.expect("on record within seconds");
    }
}
