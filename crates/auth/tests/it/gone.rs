//! People whose provider was disabled or removed: refused at every entry (A5).

use auth::SignIn;
use testkit::{Ask, Engine, Person, Tick};

use crate::local::local;
use crate::world::{DESK, Plan, World};

/// A5: after the demo's people were replaced by a real provider, their codes and refresh tokens are
/// refused and their sessions are none. What they hold is not lost: when their provider is back,
/// everything goes on.
#[tokio::test]
async fn a5_people_of_a_provider_that_is_gone_have_nothing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut world = Plan::on(engine).start().await;
        let connected = world.connect("admin").await;
        let client = connected.client;
        let person = world.person();
        let ask = client.ask();
        let code = person.authorize(&ask, "basic", Tick::All).await.code().to_owned();
        let consent = person.visit(&client.ask().url()).await;
        assert!(consent.has_button("decision"));

        world.reconfigure(|it| it.sign_in(|_| SignIn::Providers(vec![local("here")]))).await;
        for _ in 0..3 {
            client.refresh(&connected.tokens.refresh).await.refuses(400, "invalid_grant");
            client.exchange(&code, &ask).await.refuses(400, "invalid_grant");
        }
        let refused = world.dump().await.count_with("OAUTH_AUDIT", "provider.gone");
        assert_eq!(refused, 2, "one row for each person and client, not for each request");
        is_nobody(&world, &person).await;
        let refused = person.allow(&consent, Tick::All).await;
        assert!(refused.left_to.is_none(), "{:?}", refused.left_to);

        world.reconfigure(|it| it.sign_in(|_| SignIn::DemoPeople)).await;
        assert_eq!(client.refresh(&connected.tokens.refresh).await.status, 200);
        assert_eq!(client.exchange(&code, &ask).await.status, 200, "the code is still good");
        let page = person.visit(&world.at("/account")).await;
        assert!(page.answer.body.contains("Nadia"), "{}", page.answer.body);
    }
}

/// The browser's session is worth nothing: account page and authorizations ask to sign in.
async fn is_nobody(world: &World, person: &Person) {
    let page = person.visit(&world.at("/account")).await;
    assert!(page.url.contains("/sign-in"), "{}", page.url);
    let uri = "https://desk.example.com/cb";
    let ask = Ask::new(&world.at("/authorize"), DESK, uri, &world.mcp);
    let page = person.visit(&ask.url()).await;
    assert!(page.url.contains("/sign-in") && !page.has_button("decision"), "{}", page.url);
    let silent = person.visit(&ask.set("prompt", "none").url()).await.returned();
    assert_eq!(silent.get("error"), Some("login_required"));
}
