//! What a person allowed before: when it answers in the person's place, when it does not, and what a
//! client keeps that asks for more.

use reqwest::header::HeaderMap;
use serde_json::json;
use testkit::{Ask, Client, Engine, Page, Person, Secret, Tick, Tokens};

use crate::world::{DESK, Plan, World};

const DAY: i64 = 86_400;
const TWO_PLACES: [&str; 2] = ["https://a.example/cb", "https://a.example/other"];

/// A client whose answers go to a site, connected for reading and writing by `basic`.
async fn connected(world: &World) -> (Client, Person, Tokens) {
    let metadata = json!({
        "client_name": "Notes",
        "redirect_uris": TWO_PLACES,
        "token_endpoint_auth_method": "none",
    });
    let client = Client::register_with(world, &metadata).await;
    let person = world.person();
    let ask = client.ask().set("scope", "mcp:read mcp:write");
    let returned = person.authorize(&ask, "admin", Tick::AsOffered).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    assert_eq!(tokens.scope, "mcp:read mcp:write");
    person.arrives("none");
    (client, person, tokens)
}

#[track_caller]
fn is_asked(page: &Page) {
    assert_eq!(page.left_to, None);
    assert!(page.has_button("decision"), "{}", page.answer.body);
}

async fn scope_without_a_question(client: &Client, person: &Person, ask: &Ask) -> String {
    let page = person.visit(&ask.url()).await;
    assert!(page.left_to.is_some(), "{}", page.answer.body);
    Tokens::of(&client.exchange(page.returned().code(), ask).await).scope
}

/// CO-2: the same person, client, redirect URI, resource and scopes, or fewer: nothing is asked, and
/// the code is for what was asked for.
#[tokio::test]
async fn co_2_who_asks_for_what_it_was_allowed_is_answered() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).start().await;
        let (client, person, _) = connected(&world).await;
        for asked in ["mcp:read mcp:write", "mcp:read"] {
            let ask = client.ask().set("scope", asked);
            assert_eq!(scope_without_a_question(&client, &person, &ask).await, asked);
        }
        let seen = world.dump().await;
        assert_eq!(seen.count_with("OAUTH_AUDIT", "consent.remembered"), 2);
    }
}

/// T-CO-09, CO-6: only where no foreign site sent the browser; one that does not say counts as foreign.
#[tokio::test]
async fn t_co_09_another_site_gets_no_silent_approval() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let ask = client.ask().set("scope", "mcp:read");
    for site in ["cross-site", "same-site", "", "None", "same-origin, none"] {
        person.arrives(site);
        is_asked(&person.visit(&ask.url()).await);
    }
    for site in ["none", "same-origin"] {
        person.arrives(site);
        scope_without_a_question(&client, &person, &client.ask().set("scope", "mcp:read")).await;
    }
}

/// T-CO-09: what another site began stays so, whatever leads on: signing in here, opening the page anew,
/// being somebody else first.
#[tokio::test]
async fn t_co_09_what_another_site_began_stays_so() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let ask = client.ask().set("scope", "mcp:read");

    person.arrives("cross-site");
    let consent = person.visit(&ask.url()).await;
    is_asked(&consent);
    person.arrives("none");
    is_asked(&person.visit(&consent.url).await);
    let sign_in = person.press(&consent, "decision", "switch").await;
    is_asked(&person.press(&sign_in, "user", "admin").await);

    let signed_out = world.person();
    signed_out.arrives("cross-site");
    let sign_in = signed_out.visit(&ask.url()).await;
    signed_out.arrives("none");
    is_asked(&signed_out.press(&sign_in, "user", "admin").await);
}

/// Once a page was shown its buttons decide, also where it is opened again.
#[tokio::test]
async fn a_page_that_was_shown_is_answered_by_its_buttons() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let page = person.visit(&client.ask().url()).await;
    is_asked(&page);
    let other = person.visit(&client.ask().url()).await;
    let returned = person.allow(&other, Tick::All).await.returned();
    assert!(returned.get("code").is_some(), "now all of it is remembered");
    is_asked(&person.visit(&page.url).await);
}

/// RU-12, T-RU-20: what was registered when the transaction began may be gone by now.
#[tokio::test]
async fn t_ru_20_memory_sends_nothing_to_a_client_that_changed_meanwhile() {
    for change in [
        "UPDATE OAUTH_CLIENT SET redirect_uris = '[\"https://b.example/cb\"]'",
        "UPDATE OAUTH_CLIENT SET name = 'Other'",
        "DELETE FROM OAUTH_CLIENT",
    ] {
        let world = World::sqlite().await;
        let (client, _, _) = connected(&world).await;
        let person = world.person();
        person.arrives("none");
        let sign_in = person.visit(&client.ask().set("scope", "mcp:read").url()).await;
        world.database.execute(change).await;
        let page = person.press(&sign_in, "user", "admin").await;
        assert_eq!(page.left_to, None, "{change}");
        assert_eq!(world.dump().await.count_with("OAUTH_AUDIT", "consent.remembered"), 0);
    }
}

/// Whoever disconnects an app ends the code that is on its way to it, too. A client that signs out does
/// not: it is often about to redeem the next code.
#[tokio::test]
async fn disconnecting_ends_a_code_that_is_on_its_way() {
    let code = async |client: &Client, person: &Person| {
        let ask = client.ask().set("scope", "mcp:read");
        (person.visit(&ask.url()).await.returned().code().to_owned(), ask)
    };
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let (waiting, ask) = code(&client, &person).await;
    disconnect(&world, &person).await;
    client.exchange(&waiting, &ask).await.refuses(400, "invalid_grant");

    let world = World::sqlite().await;
    let (client, person, tokens) = connected(&world).await;
    let (waiting, ask) = code(&client, &person).await;
    client.revoke(&tokens.refresh).await;
    Tokens::of(&client.exchange(&waiting, &ask).await);
}

/// Where any program on the computer could say that it is this client, an administrative scope is a
/// deliberate choice each time, and nothing is granted that the page did not show.
#[tokio::test]
async fn a_program_gets_no_administrative_scope_by_what_a_site_was_allowed() {
    let world = World::sqlite().await;
    let local = "http://127.0.0.1/cb";
    let metadata = json!({
        "redirect_uris": ["https://a.example/cb", local],
        "token_endpoint_auth_method": "none",
    });
    let client = Client::register_with(&world, &metadata).await;
    let person = world.person();
    let ask = client.ask().set("scope", "mcp:write mcp:admin");
    let returned = person.authorize(&ask, "admin", Tick::All).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    assert_eq!(tokens.scope, "mcp:write mcp:admin", "reading was not asked for");

    let ask = client.ask().set("scope", "mcp:read mcp:write").set("redirect_uri", local);
    let page = person.visit(&ask.url()).await;
    assert_eq!(page.form().values("scope"), ["mcp:read", "mcp:write"]);
}

async fn disconnect(world: &World, person: &Person) {
    let account = person.visit(&world.at("/account")).await;
    let form = account.form_for("/disconnect");
    let (name, grant) = form.buttons[0].clone();
    let button = Some((name.as_str(), grant.as_str()));
    let page = person.submit(&account, form, button, HeaderMap::new()).await;
    assert!(page.url.contains("ended="), "{}", page.url);
}

/// T-CO-02, T-CO-03, T-CO-04: another client, another redirect URI and more scope are other questions.
#[tokio::test]
async fn t_co_02_to_04_another_question_is_asked() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let metadata = json!({
        "client_name": "Notes",
        "redirect_uris": TWO_PLACES,
        "token_endpoint_auth_method": "none",
    });
    let other = Client::register_with(&world, &metadata).await;
    assert_ne!(other.id, client.id);
    is_asked(&person.visit(&other.ask().set("scope", "mcp:read").url()).await);
    let elsewhere = client.ask().set("scope", "mcp:read").set("redirect_uri", TWO_PLACES[1]);
    is_asked(&person.visit(&elsewhere.url()).await);
    is_asked(&person.visit(&client.ask().url()).await);
    let another = world.person();
    another.arrives("none");
    is_asked(&another.sign_in(&client.ask().set("scope", "mcp:read"), "manager").await);
}

/// CI-15: a client that says something else of itself is another client to those who consented.
#[tokio::test]
async fn ci_15_changed_metadata_is_asked_about() {
    for change in [
        "name = 'Notes Pro'",
        "redirect_uris = '[\"https://a.example/cb\",\"https://b.example/cb\"]'",
        "auth_method = 'client_secret_post', secret_hash = 'x'",
    ] {
        let world = World::sqlite().await;
        let (client, person, _) = connected(&world).await;
        world.database.execute(&format!("UPDATE OAUTH_CLIENT SET {change}")).await;
        is_asked(&person.visit(&client.ask().set("scope", "mcp:read").url()).await);
    }
}

/// RFC 8252 §8.6, CO-6: where any program could take the answer, the person is asked each time.
#[tokio::test]
async fn programs_on_the_own_computer_are_asked_about_each_time() {
    let world = World::sqlite().await;
    for uri in ["http://127.0.0.1:33418/callback", "http://localhost/cb", "cursor://app/cb"] {
        let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
        let client = Client::register_with(&world, &metadata).await;
        let person = world.person();
        let ask = client.ask().set("scope", "mcp:read");
        let consent = person.sign_in(&ask, "basic").await;
        let page = person.allow(&consent, Tick::All).await;
        let is_app = uri.starts_with("cursor:");
        let returned = if is_app { page.offered_return(uri) } else { page.returned() };
        let code = returned.code().to_owned();
        Tokens::of(&client.exchange(&code, &ask).await);
        person.arrives("none");
        is_asked(&person.visit(&client.ask().set("scope", "mcp:read").url()).await);
    }
}

/// OpenID Connect Core §3.1.2.1: `prompt=consent` asks, and `prompt=none` never answers without a page.
#[tokio::test]
async fn prompt_consent_asks_and_prompt_none_gets_no_code() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let ask = client.ask().set("scope", "mcp:read");
    is_asked(&person.visit(&ask.clone().set("prompt", "consent").url()).await);
    let page = person.visit(&ask.set("prompt", "none").url()).await;
    assert!(page.answer.body.contains("consent"), "{}", page.answer.body);
    assert_eq!(page.left_to, None);
}

/// A consent is remembered for as long as the operator says, from the day on which it was given; 0 is
/// never.
#[tokio::test]
async fn memory_ends() {
    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let ask = || client.ask().set("scope", "mcp:read");
    world.clock.advance_seconds(29 * DAY);
    person.sign_in(&ask(), "admin").await;
    scope_without_a_question(&client, &person, &ask()).await;
    world.clock.advance_seconds(DAY);
    is_asked(&person.sign_in(&ask(), "admin").await);

    let world = Plan::sqlite().config(|config| config.remembered_consent = 0).start().await;
    let (client, person, _) = connected(&world).await;
    is_asked(&person.visit(&client.ask().set("scope", "mcp:read").url()).await);
}

/// What takes a consent back: the client signs out, the person disconnects it or refuses it, or every
/// grant of it is gone.
#[tokio::test]
async fn withdrawn_consent_is_forgotten() {
    let ask = |client: &Client| client.ask().set("scope", "mcp:read");

    let world = World::sqlite().await;
    let (client, person, tokens) = connected(&world).await;
    client.revoke(&tokens.refresh).await;
    is_asked(&person.visit(&ask(&client).url()).await);

    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    disconnect(&world, &person).await;
    is_asked(&person.visit(&ask(&client).url()).await);

    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let consent = person.visit(&ask(&client).set("prompt", "consent").url()).await;
    person.press(&consent, "decision", "deny").await;
    is_asked(&person.visit(&ask(&client).url()).await);

    let world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    world
        .database
        .execute("UPDATE OAUTH_GRANT SET revoked_at = 1, revocation_reason = 'administrative'")
        .await;
    is_asked(&person.visit(&ask(&client).url()).await);
}

/// T-CO-04: who asks for more keeps what it has, whether it names that again or not, and the page says
/// what is new. The person may still take something away.
#[tokio::test]
async fn t_co_04_more_is_asked_for_and_nothing_is_lost() {
    for asked in ["mcp:process_admin", "mcp:read mcp:write mcp:process_admin"] {
        let world = World::sqlite().await;
        let (client, person, _) = connected(&world).await;
        let ask = client.ask().set("scope", asked);
        let page = person.visit(&ask.url()).await;
        let form = page.form();
        assert_eq!(form.values("scope"), ["mcp:read", "mcp:write"]);
        assert_eq!(page.answer.body.matches("Already allowed").count(), 2);
        assert_eq!(page.answer.body.matches(">New<").count(), 1);
        let returned = person.allow(&page, Tick::All).await.returned();
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        assert_eq!(tokens.scope, "mcp:read mcp:write mcp:process_admin");
    }
}

/// What an operator gives a client is the most that it keeps, too.
#[tokio::test]
async fn a_configured_client_keeps_no_more_than_it_may_have() {
    let may_have = |scopes: &'static str| {
        move |config: &mut auth::config::Config| {
            for client in config.clients.iter_mut().filter(|client| client.id.as_str() == DESK) {
                client.scopes = protocol::Scopes::parse_known(scopes).expect("scopes");
            }
        }
    };
    let mut world = Plan::sqlite().config(may_have("mcp:read mcp:write")).start().await;
    let client = Client::configured(&world, DESK, Secret::None, "https://desk.example.com/cb");
    let person = world.person();
    let ask = client.ask().set("scope", "mcp:write");
    let returned = person.authorize(&ask, "manager", Tick::All).await;
    Tokens::of(&client.exchange(returned.code(), &ask).await);
    world.reconfigure(|settings| settings.config(may_have("mcp:read mcp:process_admin"))).await;
    let ask = client.ask().set("scope", "mcp:process_admin");
    let returned = person.authorize(&ask, "manager", Tick::All).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    assert_eq!(tokens.scope, "mcp:process_admin");
}

/// Whoever refuses more takes nothing back: what the client has it keeps, and next time, too.
#[tokio::test]
async fn a_refusal_of_more_loses_nothing() {
    let world = World::sqlite().await;
    let (client, person, tokens) = connected(&world).await;
    let ask = client.ask().set("scope", "mcp:process_admin");
    let page = person.visit(&ask.url()).await;
    person.press(&page, "decision", "deny").await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
    let page = person.visit(&ask.url()).await;
    assert_eq!(page.answer.body.matches("Already allowed").count(), 2);
}

/// What is kept is kept within today's ceiling, and only if the person leaves it ticked.
#[tokio::test]
async fn what_is_kept_stays_within_what_is_possible_now() {
    let mut world = World::sqlite().await;
    let (client, person, _) = connected(&world).await;
    let ask = client.ask().set("scope", "mcp:process_admin");
    let page = person.visit(&ask.url()).await;
    let returned = person.allow(&page, Tick::Only(&["mcp:process_admin"])).await.returned();
    let answer = client.exchange(returned.code(), &ask).await;
    assert_eq!(answer.json()["scope"], "mcp:read mcp:process_admin");

    world.reconfigure(|settings| settings.ceiling("mcp:read mcp:admin")).await;
    let ask = client.ask().set("scope", "mcp:admin");
    let page = person.visit(&ask.url()).await;
    let returned = person.allow(&page, Tick::All).await.returned();
    let answer = client.exchange(returned.code(), &ask).await;
    assert_eq!(answer.json()["scope"], "mcp:read mcp:admin");
}

/// Observed with Codex 0.169: after a refusal it starts over at once in a second window. The page says
/// that it is the same app, and can be refused again.
#[tokio::test]
async fn an_app_that_was_refused_asks_again() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let again = "You refused this app a moment ago";
    let first = person.sign_in(&client.ask(), "basic").await;
    assert!(!first.answer.body.contains(again));
    person.press(&first, "decision", "deny").await;
    let second = person.visit(&client.ask().url()).await;
    is_asked(&second);
    assert!(second.answer.body.contains(again));
    let stranger = world.person().sign_in(&client.ask(), "manager").await;
    assert!(!stranger.answer.body.contains(again));
    person.press(&second, "decision", "deny").await.returned();
}
