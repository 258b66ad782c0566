//! Whose decision the consent page takes (A8), and how fresh a sign-in has to be (A7).

use reqwest::header::HeaderMap;
use serde_json::json;
use testkit::{Client, Engine, Page, Person, Tick};

use crate::company::Company;
use crate::providers::logout;
use crate::resume::handle;
use crate::world::{Plan, World};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Neither button of this page does anything any more, and the page says what to do.
async fn decides_nothing(world: &World, person: &Person, page: &Page) {
    let before = world.dump().await;
    for decision in ["allow", "deny"] {
        let refused = person.press(page, "decision", decision).await;
        assert_eq!(refused.answer.status, 403, "{}", refused.answer.body);
        assert_eq!(refused.left_to, None);
        assert!(refused.answer.body.contains("connect again"), "{}", refused.answer.body);
    }
    world.is_unchanged_since(&before).await;
}

async fn at_consent(world: &World) -> (Client, Person, Page) {
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "admin").await;
    (client, person, consent)
}

/// A8: after "Not you?" the page of the person before decides nothing; whoever signs in instead is
/// asked.
#[tokio::test]
async fn a8_after_not_you_the_page_decides_nothing() {
    for engine in BOTH {
        let world = Plan::on(engine).start().await;
        let (_, person, consent) = at_consent(&world).await;
        let sign_in = person.press(&consent, "decision", "switch").await;
        decides_nothing(&world, &person, &consent).await;
        let as_basic = person.press(&sign_in, "user", "basic").await;
        assert!(as_basic.answer.body.contains("Nadia"), "{}", as_basic.answer.body);
        decides_nothing(&world, &person, &consent).await;
        person.allow(&as_basic, Tick::All).await.returned().code();
    }
}

/// A8: after signing out in another tab.
#[tokio::test]
async fn a8_after_signing_out_the_page_decides_nothing() {
    for engine in BOTH {
        let world = Plan::on(engine).start().await;
        let (_, person, consent) = at_consent(&world).await;
        let cookies = person.cookies();
        let account = person.visit(&world.at("/account")).await;
        let form = account.form_for("/sign-out");
        person.submit(&account, form, None, HeaderMap::new()).await;
        decides_nothing(&world, &person, &consent).await;
        // Nor do the cookies of before, if somebody kept them.
        person.set_cookies(cookies);
        decides_nothing(&world, &person, &consent).await;
    }
}

/// A8: after the provider ended the session.
#[tokio::test]
async fn a8_after_a_back_channel_logout_the_page_decides_nothing() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan, |_| {}).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let there = company.leave(&person, &client.ask()).await;
        let claims = json!({ "sub": "ada", "sid": "session-1" });
        let consent = person.visit(&company.idp.approve(&there, claims)).await;
        assert!(consent.has_button("decision"), "{}", consent.answer.body);
        let token = company.idp.logout_token("logout+jwt", json!({ "sid": "session-1" }));
        assert_eq!(logout(&company, &token).await, 204);
        decides_nothing(&company.world, &person, &consent).await;
    }
}

/// A8: after somebody else signed in in a second tab, be it for another authorization or the same.
/// Reloaded, the page asks the one who is signed in now.
#[tokio::test]
async fn a8_after_another_person_signed_in_the_page_decides_nothing() {
    for engine in BOTH {
        let world = Plan::on(engine).start().await;
        let (client, person, consent) = at_consent(&world).await;
        let second = person.visit(&client.ask().set("prompt", "login").url()).await;
        person.press(&second, "user", "basic").await;
        decides_nothing(&world, &person, &consent).await;
        let txn = handle(&consent);
        let reloaded = person.visit(&world.at(&format!("/authorize/resume?txn={txn}"))).await;
        assert!(reloaded.answer.body.contains("Nadia"), "{}", reloaded.answer.body);
        decides_nothing(&world, &person, &consent).await;
        person.allow(&reloaded, Tick::All).await.returned().code();
    }
}

/// A8: the same on the account page: what it offers is for the person whom it shows.
#[tokio::test]
async fn a8_the_account_page_is_its_persons_own() {
    for engine in BOTH {
        let world = Plan::on(engine).start().await;
        let (client, person, _) = at_consent(&world).await;
        let account = person.visit(&world.at("/account")).await;
        let second = person.visit(&client.ask().set("prompt", "login").url()).await;
        person.press(&second, "user", "admin").await;
        let before = world.dump().await;
        let csrf = account.form_for("/sign-out").values("csrf")[0].to_owned();
        for (path, field) in
            [("/account/disconnect", "grant"), ("/account/organization", "organization")]
        {
            let mut form = account.form_for("/sign-out");
            form.action = url::Url::parse(&world.at(path)).expect("a URL").path().to_owned();
            let form = form.with("csrf", &csrf).with(field, "x");
            let refused = person.submit(&account, form, None, HeaderMap::new()).await;
            assert_eq!(refused.answer.status, 403, "{path}: {}", refused.answer.body);
        }
        world.is_unchanged_since(&before).await;
        let out = account.form_for("/sign-out");
        let signed_out = person.submit(&account, out, None, HeaderMap::new()).await;
        assert_eq!(signed_out.answer.status, 200, "the way out is always open");
    }
}

/// A7: a client that asks for a new sign-in, or for a young one, gets no older one by the addresses
/// that come after it.
#[tokio::test]
async fn a7_an_old_session_skips_no_sign_in() {
    for engine in BOTH {
        let world = Plan::on(engine).start().await;
        let (client, person, _) = at_consent(&world).await;
        world.clock.advance_seconds(100);
        for ask in [
            client.ask().set("prompt", "login"),
            client.ask().set("prompt", "select_account"),
            client.ask().set("max_age", "50"),
            client.ask().set("max_age", "0"),
        ] {
            let sign_in = person.visit(&ask.url()).await;
            let txn = handle(&sign_in);
            for path in ["/authorize/resume", "/auth-bridge", "/oauth-auth-bridge"] {
                let page = person.visit(&world.at(&format!("{path}?txn={txn}"))).await;
                assert!(page.has_button("user"), "{path}: {}", page.answer.body);
            }
            world.clock.advance_seconds(10);
            let consent = person.press(&sign_in, "user", "admin").await;
            assert!(consent.has_button("decision"), "{}", consent.answer.body);
            // However long the person thinks about it.
            world.clock.advance_seconds(100);
            person.allow(&consent, Tick::All).await.returned().code();
        }
    }
}
