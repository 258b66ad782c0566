//! From sign-in back to the authorization: the bridge, `/authorize/resume`, and other browsers.

use reqwest::header::HeaderMap;
use testkit::{Page, Person, Return, Tick};

use crate::world::World;

/// T-CB-02, AZ-7, AZ-8: what one browser began, no other can see or finish.
#[tokio::test]
async fn t_cb_02_other_browsers_see_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let victim = world.person();
    let consent = victim.sign_in(&client.ask(), "admin").await;
    let txn = handle(&consent);
    let nobody = world.person();
    let somebody = world.person();
    somebody.sign_in(&client.ask(), "basic").await;
    let before = world.dump().await;
    for other in [&nobody, &somebody] {
        for path in ["/authorize/resume", "/auth-bridge", "/sign-in", "/oauth-auth-bridge"] {
            let page = other.visit(&world.at(&format!("{path}?txn={txn}"))).await;
            assert_eq!(page.answer.status, 403, "{path}");
            for secret in ["Ingrid", "Test client", "mcp:"] {
                assert!(!page.answer.body.contains(secret), "{path} shows {secret}");
            }
        }
        let page = other.allow(&consent, Tick::All).await;
        assert_eq!(page.answer.status, 403, "{}", page.answer.body);
        assert_eq!(page.left_to, None);
    }
    world.is_unchanged_since(&before).await;
    victim.allow(&consent, Tick::All).await.returned().code();
}

/// T-CB-02, T-CB-16: a bridge token is for its browser, its transaction, once, and for a minute.
#[tokio::test]
async fn bridge_tokens_are_bound_and_used_once() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    let resume = bridged(&world, &person, &handle(&consent)).await;
    // Another browser, another transaction of the same browser, a changed token.
    let other = world.person();
    other.sign_in(&client.ask(), "basic").await;
    let second = person.visit(&client.ask().url()).await;
    let token = Return::read(&resume).get("token").map(str::to_owned);
    let token = token.expect("a token");
    let before = world.dump().await;
    assert_eq!(other.visit(&resume).await.answer.status, 403);
    for (txn, token) in [
        (handle(&second), token.clone()),
        (handle(&consent), format!("{token}x")),
        (handle(&consent), "x".to_owned()),
        (handle(&consent), token.replace('.', "")),
    ] {
        let url = world.at(&format!("/authorize/resume?txn={txn}&token={token}"));
        let page = person.visit(&url).await;
        assert_eq!(page.answer.status, 403, "{}", page.answer.body);
    }
    world.is_unchanged_since(&before).await;
    assert!(person.visit(&resume).await.has_button("decision"));
    // Used up: it changes nothing any more, and shows where things stand.
    let before = world.dump().await;
    assert!(person.visit(&resume).await.has_button("decision"));
    world.is_unchanged_since(&before).await;
    let late = bridged(&world, &person, &handle(&consent)).await;
    world.clock.advance_seconds(61);
    assert_eq!(person.visit(&late).await.answer.status, 403);
}

/// T-CB-08, AZ-11: what was asked for at the start counts, whatever stands in later URLs.
#[tokio::test]
async fn t_cb_08_later_urls_change_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let ask = client.ask().set("scope", "mcp:read");
    let consent = person.sign_in(&ask, "admin").await;
    let forged = format!(
        "{}&response_type=token&client_id=desk&redirect_uri=https://evil.example/&scope=mcp:admin",
        consent.url
    );
    let page = person.visit(&forged).await;
    assert!(!page.answer.body.contains("evil.example"));
    assert!(!page.answer.body.contains("mcp:admin"));
    let mut form = page.form();
    form = form.with("redirect_uri", "https://evil.example/").with("client_id", "desk");
    form.fields.push(("scope".into(), "mcp:admin".into()));
    let button = Some(("decision", "allow"));
    let end = person.submit(&page, form, button, HeaderMap::default()).await;
    let returned = end.returned();
    assert!(returned.url.starts_with(&client.redirect_uri), "{}", returned.url);
    let answer = client.exchange(returned.code(), &ask).await;
    assert_eq!(answer.json()["scope"], "mcp:read");
}

/// T-CB-06: two transactions of one browser do not mix.
#[tokio::test]
async fn t_cb_06_transactions_do_not_mix() {
    let world = World::sqlite().await;
    let (one, two) = (world.client().await, world.client().await);
    let person = world.person();
    let (ask_one, ask_two) = (one.ask(), two.ask().set("scope", "mcp:read"));
    let page_one = person.sign_in(&ask_one, "admin").await;
    let page_two = person.visit(&ask_two.url()).await;
    // The form of one with the handle of the other is a form that no page of ours made.
    let mixed = page_one.form().with("txn", &handle(&page_two));
    let button = Some(("decision", "allow"));
    let page = person.submit(&page_one, mixed, button, HeaderMap::default()).await;
    assert_eq!(page.answer.status, 403, "{}", page.answer.body);
    for (page, ask, client) in [(page_two, ask_two, two), (page_one, ask_one, one)] {
        let returned = person.allow(&page, Tick::All).await.returned();
        assert_eq!(returned.get("state"), Some(ask.get("state")));
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// T-CB-16: a double click and a reload make one code.
#[tokio::test]
async fn t_cb_16_finishing_twice_makes_one_code() {
    for world in [World::sqlite().await, World::postgres().await] {
        let client = world.client().await;
        let person = std::sync::Arc::new(world.person());
        let consent = person.sign_in(&client.ask(), "basic").await;
        let mut clicks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (person, consent) = (person.clone(), consent.clone());
            clicks.spawn(async move { person.allow(&consent, Tick::All).await });
        }
        let pages = clicks.join_all().await;
        let left = pages.iter().filter(|page| page.left_to.is_some()).count();
        assert_eq!(left, 1);
        for page in pages.iter().filter(|page| page.left_to.is_none()) {
            assert_eq!(page.answer.status, 200);
            assert!(page.answer.body.contains("Already answered"));
        }
        for url in [&consent.url, &world.at(&format!("/auth-bridge?txn={}", handle(&consent)))] {
            let page = person.visit(url).await;
            assert!(page.answer.body.contains("Already answered"), "{url}");
        }
        assert_eq!(world.dump().await.count("OAUTH_CODE"), 1);
    }
}

/// T-CB-17, T-CB-03: after ten minutes every step says so.
#[tokio::test]
async fn t_cb_17_old_transactions_are_over_at_every_step() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let fresh = person.visit(&client.ask().url()).await;
    let consent = person.sign_in(&client.ask(), "basic").await;
    world.clock.advance_seconds(601);
    let before = world.dump().await;
    person.press(&fresh, "user", "basic").await.answer.is_local_error();
    person.allow(&consent, Tick::All).await.answer.is_local_error();
    person.press(&consent, "decision", "deny").await.answer.is_local_error();
    for path in ["/authorize/resume", "/auth-bridge", "/sign-in"] {
        for txn in [handle(&fresh).as_str(), "x"] {
            let page = person.visit(&world.at(&format!("{path}?txn={txn}"))).await;
            page.answer.is_local_error();
        }
    }
    // Without a transaction one can sign in to the account page, and to nothing else.
    for path in ["/authorize/resume", "/auth-bridge", "/authorize/resume?txn="] {
        person.visit(&world.at(path)).await.answer.is_local_error();
    }
    world.is_unchanged_since(&before).await;
}

/// T-CB-18: another person in the same transaction is asked anew, with what that person may have.
#[tokio::test]
async fn t_cb_18_another_person_inherits_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let ask = client.ask();
    let as_admin = person.sign_in(&ask, "admin").await;
    let page = person.press(&as_admin, "decision", "switch").await;
    assert!(page.has_button("user"), "{}", page.answer.body);
    let as_basic = person.press(&page, "user", "basic").await;
    assert!(as_basic.answer.body.contains("Nadia Farouk"));
    // The administrator's page is still open in another tab, and nobody's any more (A8).
    assert_eq!(person.allow(&as_admin, Tick::All).await.answer.status, 403);
    let returned = person.allow(&as_basic, Tick::All).await.returned();
    let answer = client.exchange(returned.code(), &ask).await;
    assert_eq!(answer.json()["scope"], "mcp:read mcp:write");
}

/// The handle that is in a page's URL or form.
pub(crate) fn handle(page: &Page) -> String {
    match Return::read(&page.url).get("txn") {
        Some(txn) => txn.to_owned(),
        None => page.form().values("txn")[0].to_owned(),
    }
}

/// The URL with a fresh bridge token.
async fn bridged(world: &World, person: &Person, txn: &str) -> String {
    let answer = person.get_once(&world.at(&format!("/auth-bridge?txn={txn}"))).await;
    let location = answer.header("location").expect("a redirect");
    assert!(location.contains("&token="), "{location}");
    format!("{}{location}", world.origin())
}
