//! `/sign-in`: sessions, and what others cannot do to them.

use std::collections::BTreeMap;

use auth::SignIn;
use protocol::identity::Email;
use reqwest::header::{HeaderMap, HeaderValue};
use testkit::{Tick, random};

use crate::world::{Plan, World};

/// T-LOGIN-01, T-CO-05, AZ-15, HD-5: a form that our page did not make does nothing.
#[tokio::test]
async fn t_login_01_foreign_forms_do_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let page = person.visit(&client.ask().url()).await;
    let other = world.person().visit(&client.ask().url()).await;
    let before = world.dump().await;
    let genuine = page.form();
    let csrf = other.form();
    let csrf = csrf.values("csrf")[0];
    let button = Some(("user", "admin"));
    for form in [
        genuine.clone().with("csrf", ""),
        genuine.clone().with("csrf", &random()),
        genuine.clone().with("csrf", csrf),
    ] {
        let page = person.submit(&page, form, button, HeaderMap::new()).await;
        assert_eq!(page.answer.status, 403, "{}", page.answer.body);
    }
    let mut headers = HeaderMap::new();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let answer = person.submit(&page, genuine.clone(), button, headers).await;
    assert_eq!(answer.answer.status, 403);
    // Nobody, somebody unknown, and two at once.
    for button in [None, Some(("user", "root"))] {
        let page = person.submit(&page, genuine.clone(), button, HeaderMap::new()).await;
        page.answer.is_local_error();
    }
    let twice = genuine.with("user", "basic");
    let page = person.submit(&page, twice, button, HeaderMap::new()).await;
    page.answer.is_local_error();
    world.is_unchanged_since(&before).await;
}

/// HD-5: a page that was rendered twice has two good forms.
#[tokio::test]
async fn hd_5_rendering_twice_does_not_spoil_the_first_form() {
    let world = World::sqlite().await;
    let person = world.person();
    let first = person.visit(&world.client().await.ask().url()).await;
    person.visit(&first.url).await;
    let consent = person.press(&first, "user", "basic").await;
    assert!(consent.has_button("decision"), "{}", consent.answer.body);
}

/// T-CB-11, AZ-10: the session is a new one at each sign-in; the old one ends, and a planted one
/// is not taken over.
#[tokio::test]
async fn t_cb_11_sessions_are_new_at_sign_in() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let again = || client.ask().set("prompt", "login");
    let first = person.visit(&again().url()).await;
    person.press(&first, "user", "basic").await;
    let old = person.cookies();
    let second = person.visit(&again().url()).await;
    person.press(&second, "user", "admin").await;
    let new = person.cookies();
    let (name, _) = old.iter().find(|(name, _)| name.ends_with("_s")).expect("a session");
    assert_ne!(old[name], new[name]);
    let thief = world.person();
    thief.set_cookies(old.clone());
    let page = thief.visit(&client.ask().url()).await;
    assert!(page.has_button("user"), "the old session is over");
    let planted = format!("wg_se_{}", random());
    let victim = world.person();
    victim.set_cookies(BTreeMap::from([(name.clone(), planted.clone())]));
    victim.sign_in(&client.ask(), "basic").await;
    assert_ne!(victim.cookies()[name], planted);
    thief.set_cookies(BTreeMap::from([(name.clone(), planted)]));
    let page = thief.visit(&client.ask().url()).await;
    assert!(page.has_button("user"), "a planted session is nobody's");
}

/// T-CB-15, AZ-9: fifty tabs of one browser, finished in any order.
#[tokio::test]
async fn t_cb_15_fifty_tabs() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let mut tabs = Vec::new();
    for _ in 0..50 {
        let ask = client.ask();
        let page = person.visit(&ask.url()).await;
        tabs.push((ask, page));
    }
    assert!(person.cookies().len() <= 2);
    // Every third first, then the rest from the end.
    let (first, rest): (Vec<_>, Vec<_>) = tabs.into_iter().enumerate().partition(|t| t.0 % 3 == 0);
    for (_, (ask, page)) in first.into_iter().chain(rest.into_iter().rev()) {
        let consent =
            if page.has_button("user") { person.press(&page, "user", "basic").await } else { page };
        let returned = person.allow(&consent, Tick::All).await.returned();
        assert_eq!(returned.get("state"), Some(ask.get("state")));
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(person.cookies().len() <= 2);
}

/// T-LOGIN-06: where to go next is ours to know.
#[tokio::test]
async fn t_login_06_return_addresses_are_ignored() {
    let world = World::sqlite().await;
    let person = world.person();
    let page = person.visit(&world.client().await.ask().url()).await;
    for evil in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let form =
            page.form().with("next", evil).with("return_to", evil).with("redirect_uri", evil);
        let end = person.submit(&page, form, Some(("user", "basic")), HeaderMap::new()).await;
        assert_eq!(end.left_to, None);
        assert!(end.url.starts_with(&world.issuer), "{}", end.url);
    }
}

/// A session ends after its time, and then nobody is signed in.
#[tokio::test]
async fn sessions_end() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    person.sign_in(&client.ask(), "basic").await;
    world.clock.advance_seconds(8 * 3600 + 1);
    let page = person.visit(&client.ask().url()).await;
    assert!(page.has_button("user"), "{}", page.url);
}

/// TC-6, UP-5: somebody who is disabled gets no further, at any step.
#[tokio::test]
async fn disabled_people_get_no_further() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    world.database.execute("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
    let page = person.allow(&consent, Tick::All).await;
    page.answer.is_local_error();
    let page = world.person().sign_in(&client.ask(), "basic").await;
    assert_eq!(page.answer.status, 403, "{}", page.answer.body);
    assert_eq!(world.dump().await.count("OAUTH_CODE"), 0);
}

/// `sign_in.dev_fixed_user`: no page to choose on, and consent all the same.
#[tokio::test]
async fn a_fixed_user_only_consents() {
    let plan = Plan::sqlite().sign_in(|_| SignIn::FixedUser(fixed_user()));
    let world = plan.start().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.visit(&client.ask().url()).await;
    assert!(consent.has_button("decision"), "{}", consent.answer.body);
    assert!(consent.answer.body.contains("dev@example.com"));
    person.allow(&consent, Tick::All).await.returned().code();
}

fn fixed_user() -> sso::Identity {
    let address = "dev@example.com".to_owned();
    sso::Identity {
        provider: "dev_fixed_user".to_owned(),
        external_id: address.clone(),
        name: address.clone(),
        email: Some(Email { address, verified: true }),
        ..sso::Identity::default()
    }
}

/// Without any way to sign in there is a page that says so.
#[tokio::test]
async fn nobody_can_sign_in_where_nothing_is_configured() {
    let world = Plan::sqlite().sign_in(|_| SignIn::Nobody).start().await;
    let page = world.person().visit(&world.client().await.ask().url()).await;
    assert_eq!(page.answer.status, 503, "{}", page.answer.body);
    assert!(page.answer.body.contains("[[sign_in.provider]]"), "it says what to do");
}

/// T-CON-09: the same person from 16 browsers at once is one person.
#[tokio::test]
async fn t_con_09_parallel_first_sign_ins_make_one_person() {
    for world in [World::sqlite().await, World::postgres().await] {
        let client = world.client().await;
        let mut signing_in = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (person, ask) = (world.person(), client.ask());
            signing_in.spawn(async move { person.sign_in(&ask, "manager").await.answer.status });
        }
        let statuses = signing_in.join_all().await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        let dump = world.dump().await;
        assert_eq!(dump.count("OAUTH_SUBJECT"), 1);
        assert_eq!(dump.count("OAUTH_SESSION"), 16);
    }
}
