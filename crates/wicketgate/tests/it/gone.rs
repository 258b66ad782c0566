//! People whose provider was disabled or removed: refused at every entry (A5).

use std::time::Duration;

use serde_json::json;
use testkit::{Ask, Engine, Era, McpCaller, Person, Tick, Tokens};

use crate::providers::Company;
use crate::revoke::is_refused_soon;
use crate::world::{DESK, Plan, World};

const DEMO: &str = "demo_people = true\n";
const LOCAL: &str = "[[sign_in.provider]]\nid = \"here\"\nkind = \"local\"\n";

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

        world.reconfigure(|text| format!("{}\n{LOCAL}", text.replace(DEMO, ""))).await;
        for _ in 0..3 {
            client.refresh(&connected.tokens.refresh).await.refuses(400, "invalid_grant");
            client.exchange(&code, &ask).await.refuses(400, "invalid_grant");
        }
        let refused = world.dump().await.count_with("OAUTH_AUDIT", "provider.gone");
        assert_eq!(refused, 2, "one row for each person and client, not for each request");
        is_nobody(&world, &person).await;
        let refused = person.allow(&consent, Tick::All).await;
        assert!(refused.left_to.is_none(), "{:?}", refused.left_to);

        world
            .reconfigure(|text| {
                text.replace(LOCAL, "").replace("[sign_in]\n", &format!("[sign_in]\n{DEMO}"))
            })
            .await;
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

/// A5: access tokens that still run are refused by the sidecar within five seconds, in the same
/// process and apart, whether the provider was switched off or removed; and work again once it is
/// back.
#[tokio::test]
async fn a5_running_access_tokens_end_with_the_provider() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let mut company = Company::start(plan, "", LOCAL).await;
        let client = company.world.client().await;
        let claims = json!({ "sub": "tom", "name": "Tom" });
        let tokens = company.connect(&company.world.person(), &client, claims).await;
        let provider = company.idp.configuration("");
        let world = &mut company.world;
        let caller = McpCaller::new(world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());

        let off = provider.replace("id = \"corp\"", "id = \"corp\"\nenabled = false");
        for without in ["", off.as_str()] {
            world.reconfigure(|text| text.replace(&provider, without)).await;
            is_refused_soon(&caller).await;
            client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
            let back = |text: &str| match without {
                "" => format!("{text}\n{provider}"),
                off => text.replace(off, &provider),
            };
            world.reconfigure(back).await;
            is_let_in_soon(&caller).await;
        }
        assert_eq!(Tokens::of(&client.refresh(&tokens.refresh).await).scope, tokens.scope);
    }
}

async fn is_let_in_soon(caller: &McpCaller) {
    let let_in = async {
        while caller.ask("tools/list", json!({})).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), let_in).await.expect("let in within five seconds");
}
