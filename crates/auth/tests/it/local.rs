//! Local accounts: passwords, codes, and what holds back those who guess.

use auth::SignIn;
use auth::providers::{Provider, ProviderKind};
use kernel::seal::SealingKey;
use kernel::{Id, OsRandom};
use model::{Account, AccountId};
use protocol::UserType;
use sso::local::{password, totp::TotpSecret};
use store::unit::{AddAccount, DisableAccount, SetPassword, SetTotp};
use store::{Store, StoreOptions};
use testkit::{Engine, Page, Person, Tick};

use crate::world::{Plan, World};

const PASSWORD: &str = "correct horse battery";

async fn world(engine: Engine) -> World {
    let world = with_accounts(Plan::on(engine)).start().await;
    add_account(&world, "ada").await;
    world
}

/// People sign in with accounts of our own.
fn with_accounts(plan: Plan) -> Plan {
    let plan = plan.group_is("operators", UserType::Administrator);
    plan.sign_in(|_| SignIn::Providers(vec![local("Local account")]))
}

/// The provider of accounts of our own, `here`.
pub(crate) fn local(name: &str) -> Provider {
    Provider {
        id: "here".to_owned(),
        name: name.to_owned(),
        domains: Vec::new(),
        kind: ProviderKind::Local,
    }
}

async fn store(world: &World) -> Store {
    Store::open(StoreOptions::new(world.database.url())).await.expect("the database")
}

async fn add_account(world: &World, username: &str) -> AccountId {
    let account = Account {
        id: Id::generate(&OsRandom::new()),
        username: username.to_owned(),
        password_hash: password::hash(PASSWORD, &OsRandom::new()),
        name: "Ada".to_owned(),
        email: None,
        groups: vec!["operators".to_owned()],
        failed_attempts: 0,
        locked_until: None,
        totp_sealed: None,
        totp_step: 0,
        disabled_at: None,
        created_at: kernel::Clock::now(&world.clock),
        password_changed_at: kernel::Clock::now(&world.clock),
    };
    let id = account.id.clone();
    store(world).await.write(AddAccount { account }).await.expect("written");
    id
}

/// The form with user name and password.
async fn form(world: &World, person: &Person) -> Page {
    let page = person.visit(&world.client().await.ask().url()).await;
    let page = person.press(&page, "provider", "here").await;
    assert!(page.answer.body.contains("name=\"password\""), "{}", page.answer.body);
    page
}

async fn try_password(person: &Person, page: &Page, username: &str, password: &str) -> Page {
    person.fill(page, &[("username", username), ("password", password)]).await
}

fn is_in(page: &Page) -> bool {
    page.has_button("decision")
}

/// The whole way, on both databases.
#[tokio::test]
async fn somebody_with_an_account_signs_in() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = world(engine).await;
        let client = world.client().await;
        let person = world.person();
        let ask = client.ask();
        let page = person.visit(&ask.url()).await;
        let page = person.press(&page, "provider", "here").await;
        let consent = try_password(&person, &page, " ADA ", PASSWORD).await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        let answer = client.exchange(returned.code(), &ask).await;
        assert!(answer.body.contains("mcp:admin"), "{}", answer.body);
        assert!(!world.dump().await.contains(PASSWORD));
    }
}

/// T-LOGIN-02: unknown, wrong and disabled look the same, byte for byte but for the name typed.
#[tokio::test]
async fn t_login_02_nobody_learns_who_has_an_account() {
    let world = world(Engine::Sqlite).await;
    add_account(&world, "bob").await;
    let unit = DisableAccount {
        username: "bob".to_owned(),
        provider: "here".to_owned(),
        now: kernel::Clock::now(&world.clock),
    };
    store(&world).await.write(unit).await.expect("written");
    let person = world.person();
    let page = form(&world, &person).await;
    let mut seen = Vec::new();
    for (username, password) in [("ada", "wrong password"), ("eve", PASSWORD), ("bob", PASSWORD)] {
        let answer = try_password(&person, &page, username, password).await.answer;
        seen.push((answer.status, answer.body.replace(&format!("value=\"{username}\""), "")));
    }
    assert_eq!(seen[0].0, 401);
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

/// T-LOGIN-03: too many wrong passwords lock the account for strangers; the right one looks wrong
/// then, the person's own browser still gets in, and the lock ends by itself.
#[tokio::test]
async fn t_login_03_a_lock_is_for_strangers_and_ends() {
    let world = world(Engine::Sqlite).await;
    let own = world.person();
    let page = form(&world, &own).await;
    assert!(is_in(&try_password(&own, &page, "ada", PASSWORD).await));

    let stranger = world.person();
    let page = form(&world, &stranger).await;
    let mut wrong = None;
    for _ in 0..12 {
        wrong = Some(try_password(&stranger, &page, "ada", "wrong password").await.answer);
    }
    let right = try_password(&stranger, &page, "ada", PASSWORD).await.answer;
    let wrong = wrong.expect("an answer");
    assert_eq!((right.status, right.body), (wrong.status, wrong.body), "the same text");

    let again = form_again(&world, &own).await;
    assert!(is_in(&try_password(&own, &again, "ada", PASSWORD).await), "a known browser");
    // The person's success took the lock away; guess anew, and wait.
    for _ in 0..11 {
        try_password(&stranger, &page, "ada", "wrong password").await;
    }
    assert!(!is_in(&try_password(&stranger, &page, "ada", PASSWORD).await));
    world.clock.advance_seconds(31);
    assert!(is_in(&try_password(&stranger, &page, "ada", PASSWORD).await), "the lock ended");
}

/// The form again, for somebody who is signed in.
async fn form_again(world: &World, person: &Person) -> Page {
    let ask = world.client().await.ask().set("prompt", "login");
    let page = person.visit(&ask.url()).await;
    person.press(&page, "provider", "here").await
}

/// A second factor: the password alone opens nothing, a code works once, and a ticket of another
/// visit is nobody's.
#[tokio::test]
async fn a_code_is_needed_and_works_once() {
    let (world, secret) = world_with_codes(Plan::sqlite()).await;
    let code = code_of(&secret, &world);

    let person = world.person();
    let page = form(&world, &person).await;
    let asks_code = try_password(&person, &page, "ada", PASSWORD).await;
    assert!(!is_in(&asks_code) && asks_code.answer.body.contains("name=\"code\""));
    let wrong = person.fill(&asks_code, &[("code", "000000")]).await;
    assert_eq!(wrong.answer.status, 401);
    assert!(is_in(&person.fill(&wrong, &[("code", &code)]).await));

    let thief = world.person();
    let page = form(&world, &thief).await;
    let own = try_password(&thief, &page, "ada", PASSWORD).await;
    let used = thief.fill(&own, &[("code", &code)]).await;
    assert!(!is_in(&used), "the code was used");
    let stolen = own.form().values("ticket")[0].to_owned();
    let other = world.person();
    let page = form(&world, &other).await;
    let refused = other.fill(&page, &[("ticket", &stolen), ("code", &code)]).await;
    refused.answer.is_local_error();
    world.clock.advance_seconds(301);
    thief.fill(&own, &[("code", &code)]).await.answer.is_local_error();
}

/// A2: a browser is known for ninety days at most, and only while password and codes are those with
/// which the person signed in.
#[tokio::test]
async fn a2_a_new_password_makes_every_browser_a_stranger() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = world(engine).await;
        let (own, stranger) = (world.person(), world.person());
        let page = form(&world, &own).await;
        assert!(is_in(&try_password(&own, &page, "ada", PASSWORD).await));
        let cookies = own.cookies();
        let kept = cookies.values().find(|value| value.starts_with("wg_dv_")).expect("a mark");
        assert!(!world.dump().await.contains(kept), "only its hash is stored");

        let unit = SetPassword {
            username: "ada".to_owned(),
            password_hash: password::hash("another battery staple", &OsRandom::new()),
            provider: "here".to_owned(),
            now: kernel::Clock::now(&world.clock),
        };
        store(&world).await.write(unit).await.expect("written");
        let guesses = form(&world, &stranger).await;
        for _ in 0..11 {
            try_password(&stranger, &guesses, "ada", PASSWORD).await;
        }
        let page = form_again(&world, &own).await;
        let refused = try_password(&own, &page, "ada", "another battery staple").await;
        assert!(!is_in(&refused), "the lock holds for this browser as well");
        world.clock.advance_seconds(31);
        assert!(is_in(&try_password(&own, &page, "ada", "another battery staple").await));
    }
}

/// A2: the ticket between password and code is worth nothing once the password is another.
#[tokio::test]
async fn a2_a_new_password_ends_what_the_old_one_began() {
    let (world, secret) = world_with_codes(Plan::sqlite()).await;
    let person = world.person();
    let page = form(&world, &person).await;
    let asks_code = try_password(&person, &page, "ada", PASSWORD).await;
    world.clock.advance_seconds(1);
    let unit = SetPassword {
        username: "ada".to_owned(),
        password_hash: password::hash("another battery staple", &OsRandom::new()),
        provider: "here".to_owned(),
        now: kernel::Clock::now(&world.clock),
    };
    store(&world).await.write(unit).await.expect("written");
    let code = code_of(&secret, &world);
    person.fill(&asks_code, &[("code", &code)]).await.answer.is_local_error();
}

/// With one account that has one-time codes.
async fn world_with_codes(plan: Plan) -> (World, TotpSecret) {
    let world = with_accounts(plan).start().await;
    let account = add_account(&world, "ada").await;
    let secret = TotpSecret::generate(&OsRandom::new());
    let key = SealingKey::from_bytes([7; 32]);
    let sealed = key.seal(secret.bytes(), &Account::totp_place(&account), &OsRandom::new());
    let unit = SetTotp {
        username: "ada".to_owned(),
        totp_sealed: Some(sealed),
        now: kernel::Clock::now(&world.clock),
    };
    store(&world).await.write(unit).await.expect("written");
    (world, secret)
}

/// Found by asking the secret which code it would take now.
fn code_of(secret: &TotpSecret, world: &World) -> String {
    let now = kernel::Clock::now(&world.clock);
    (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| secret.step_of(code, now) == Some(now.as_seconds() / 30))
        .expect("a code")
}

/// T-LOGIN-04: a storm of sign-ins does not starve the token endpoint.
#[tokio::test(flavor = "multi_thread")]
async fn t_login_04_many_sign_ins_leave_the_token_endpoint_alone() {
    let world = std::sync::Arc::new(world(Engine::Sqlite).await);
    let person = std::sync::Arc::new(world.person());
    let page = form(&world, &person).await;
    let client = world.client().await;
    let storm: Vec<_> = (0..50)
        .map(|_| {
            let (person, page) = (std::sync::Arc::clone(&person), page.clone());
            tokio::spawn(async move { try_password(&person, &page, "eve", "wrong").await })
        })
        .collect();
    // Each check takes tens of milliseconds; the whole storm is far from over when this returns.
    let answer = client.exchange("wg_ac_unknown", &client.ask()).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let waiting = storm.iter().filter(|attempt| !attempt.is_finished()).count();
    assert!(waiting > 10, "the token endpoint waited for {} sign-ins", 50 - waiting);
    for attempt in storm {
        let status = attempt.await.expect("an answer").answer.status;
        assert!(status == 401 || status == 503, "{status}");
    }
}

/// T-LOGIN-01 for this form, too: a foreign one does nothing.
#[tokio::test]
async fn t_login_01_a_foreign_form_signs_nobody_in() {
    let world = world(Engine::Sqlite).await;
    let person = world.person();
    let page = form(&world, &person).await;
    let fields = [("username", "ada"), ("password", PASSWORD), ("csrf", "forged")];
    let refused = person.fill(&page, &fields).await;
    assert_eq!(refused.answer.status, 403);
    assert!(is_in(&try_password(&person, &page, "ada", PASSWORD).await), "the page's own works");
}
