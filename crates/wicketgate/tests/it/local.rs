//! One-time codes of local accounts, in each shape of the process.

use kernel::seal::SealingKey;
use kernel::{Id, OsRandom};
use model::{Account, AccountId};
use sso::local::{password, totp::TotpSecret};
use store::unit::{AddAccount, SetTotp};
use store::{Store, StoreOptions};
use testkit::{Page, Person};

use crate::world::{Plan, World};

const PROVIDER: &str = "[[sign_in.provider]]\nid = \"here\"\nname = \"Local account\"\n\
                        kind = \"local\"\n";
const PASSWORD: &str = "correct horse battery";

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

/// The form again, for somebody who is signed in.
async fn form_again(world: &World, person: &Person) -> Page {
    let ask = world.client().await.ask().set("prompt", "login");
    let page = person.visit(&ask.url()).await;
    person.press(&page, "provider", "here").await
}

/// A2: one-time codes are capped for the account. A browser in which the person signed in before is
/// no way around it, and ten quiet minutes later the right code is right again.
#[tokio::test]
async fn a2_ten_wrong_codes_are_the_end_in_a_known_browser_too() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let (world, secret) = world_with_codes(plan).await;
        let own = world.person();
        let page = form(&world, &own).await;
        let asks_code = try_password(&own, &page, "ada", PASSWORD).await;
        assert!(is_in(&own.fill(&asks_code, &[("code", &code_of(&secret, &world))]).await));

        world.clock.advance_seconds(60);
        let page = form_again(&world, &own).await;
        let mut asks_code = try_password(&own, &page, "ada", PASSWORD).await;
        for _ in 0..10 {
            asks_code = own.fill(&asks_code, &[("code", "000000")]).await;
        }
        let right = own.fill(&asks_code, &[("code", &code_of(&secret, &world))]).await;
        assert_eq!(right.answer.status, 401, "{}", right.answer.body);
        world.clock.advance_seconds(601);
        let page = form_again(&world, &own).await;
        let asks_code = try_password(&own, &page, "ada", PASSWORD).await;
        assert!(is_in(&own.fill(&asks_code, &[("code", &code_of(&secret, &world))]).await));
    }
}

/// With one account that has one-time codes.
async fn world_with_codes(plan: Plan) -> (World, TotpSecret) {
    let world = plan.providers(PROVIDER).start().await;
    let account = add_account(&world, "ada").await;
    let secret = TotpSecret::generate(&OsRandom::new());
    let key = SealingKey::from_bytes([7; 32]).derive("seal");
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
