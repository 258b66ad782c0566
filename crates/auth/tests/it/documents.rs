//! Clients that describe themselves at the URL that is their id (CIMD).

use std::sync::Arc;

use auth::config::{Config, MetadataDocuments};
use net::outbound::{Guard, GuardPolicy};
use serde_json::{Value, json};
use testkit::{Client, DOCUMENT_HOST, DocumentHost, Engine, Secret, Tick, Tokens};

use crate::world::{DESK, Plan, Robot, World};

pub(crate) const PATH: &str = "/oauth/client.json";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:33418/callback";

/// A deployment that takes the documents of one host.
pub(crate) async fn world(engine: Engine, host: &DocumentHost) -> World {
    world_with(engine, host, |_| ()).await
}

/// The same, with something changed in its configuration.
pub(crate) async fn world_with(
    engine: Engine,
    host: &DocumentHost,
    change: impl Fn(&mut Config) + Send + Sync + 'static,
) -> World {
    let policy = GuardPolicy {
        private_hosts: vec![DOCUMENT_HOST.to_owned()],
        authorities_pem: Some(host.authority.clone()),
        ..GuardPolicy::default()
    };
    let guard = Arc::new(Guard::new(policy));
    let documents = MetadataDocuments { guard: Some(guard), bundled: true };
    let plan = Plan::on(engine).config(move |config| {
        config.documents = documents.clone();
        change(config);
    });
    plan.start().await
}

pub(crate) fn document(host: &DocumentHost) -> Value {
    json!({
        "client_id": host.at(PATH),
        "client_name": "Described",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:example:other"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "logo_uri": host.at("/logo.png"),
    })
}

pub(crate) fn client(world: &World, host: &DocumentHost) -> Client {
    Client::configured(world, &host.at(PATH), Secret::None, REDIRECT)
}

/// CI-3, CI-6, CI-12, T-CIMD-11, T-CIMD-17, T-CIMD-18: the whole way, and what people see of it.
#[tokio::test]
async fn a_20_a_client_of_a_document_connects() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let host = DocumentHost::start().await;
        host.says(PATH, &document(&host));
        let world = world(engine, &host).await;
        let client = client(&world, &host);
        let person = world.person();
        let consent = person.sign_in(&client.ask(), "basic").await;
        let body = &consent.answer.body;
        assert!(body.contains("Described") && body.contains(DOCUMENT_HOST), "{body}");
        assert!(body.contains("127.0.0.1") && !body.contains("logo.png"), "{body}");
        let ask = client.ask();
        let returned = world.person().authorize(&ask, "basic", Tick::All).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(client.revoke(&next.refresh).await.status, 200);
        assert_eq!(host.asked(PATH), 1, "it is kept");
        assert_eq!(host.asked("/logo.png"), 0, "a logo is never fetched");
        assert_eq!(world.dump().await.count("OAUTH_CLIENT"), 0);
        for wrong in ["http://127.0.0.1:33418/other", "http://localhost:33418/callback"] {
            let ask = client.ask().set("redirect_uri", wrong);
            world.person().visit(&ask.url()).await.answer.is_local_error();
        }
    }
}

/// MD-7, MD-16: such ids are told of where they are taken, and nowhere else.
#[tokio::test]
async fn md_7_documents_are_told_of_where_they_are_taken() {
    let host = DocumentHost::start().await;
    let taking = world(Engine::Sqlite, &host).await;
    let url = |world: &World| world.at("/.well-known/oauth-authorization-server");
    let told = taking.get(&url(&taking)).await.json();
    assert_eq!(told["client_id_metadata_document_supported"], true);
    let other = World::sqlite().await;
    let told = other.get(&url(&other)).await.json();
    assert_eq!(told.get("client_id_metadata_document_supported"), None);
    let client = Client::configured(&other, &host.at(PATH), Secret::None, REDIRECT);
    other.person().visit(&client.ask().url()).await.answer.is_local_error();
    assert_eq!(host.asked(PATH), 0);
}

/// CI-2, CI-7, CI-11, T-CIMD-03, T-CIMD-06, T-CIMD-21: a document that is none is an error here, never a
/// redirect, and `invalid_client` at the token endpoint; once it is mended it is taken.
#[tokio::test]
async fn t_cimd_03_and_06_what_is_no_document() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let good = document(&host).to_string();
    let json = ("content-type", "application/json");
    let elsewhere = ("location", "/good.json");
    host.says("/good.json", &document(&host));
    let large = good.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(70_000)), 1);
    for (status, headers, body) in [
        (404, &[json][..], good.as_str()),
        (410, &[json], &good),
        (204, &[json], ""),
        (302, &[json, elsewhere], &good),
        (307, &[json, elsewhere], &good),
        (200, &[("content-type", "text/html")], &good),
        (200, &[json, ("content-encoding", "gzip")], &good),
        (200, &[json], "<html></html>"),
        (200, &[json], "[]"),
        (200, &[json], &large),
    ] {
        host.answers(PATH, status, headers, body);
        let before = world.dump().await;
        let client = client(&world, &host);
        let page = world.person().visit(&client.ask().url()).await;
        page.answer.is_local_error();
        assert!(page.answer.body.contains("be used"), "{status}: {}", page.answer.body);
        client.refresh("wg_rt_x").await.refuses(401, "invalid_client");
        world.is_unchanged_since(&before).await;
        // A failure is remembered for ten seconds.
        world.clock.advance_seconds(11);
    }
    assert_eq!(host.asked("/good.json"), 0, "no redirect is followed");
    host.says(PATH, &document(&host));
    let client = client(&world, &host);
    assert!(world.person().sign_in(&client.ask(), "basic").await.has_button("decision"));
}

/// CI-16, T-CIMD-15: many who ask at once wait for one fetch.
#[tokio::test]
async fn t_cimd_15_one_fetch_for_many() {
    let host = DocumentHost::start().await;
    host.says(PATH, &document(&host));
    let world = world(Engine::Sqlite, &host).await;
    host.hold();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (place, url) = ((*world).clone(), client(&world, &host).ask().url());
        asking.spawn(async move { place.get(&url).await.status });
    }
    while host.asked(PATH) == 0 {
        tokio::task::yield_now().await;
    }
    host.release();
    assert!(asking.join_all().await.iter().all(|status| *status == 303));
    assert_eq!(host.asked(PATH), 1);
}

/// T-CIMD-19: what an operator wrote down is never asked for elsewhere.
#[tokio::test]
async fn t_cimd_19_a_configured_client_is_not_fetched() {
    let host = DocumentHost::start().await;
    host.says(PATH, &document(&host));
    let id = host.at(PATH);
    let policy =
        GuardPolicy { private_hosts: vec![DOCUMENT_HOST.to_owned()], ..GuardPolicy::default() };
    let documents = MetadataDocuments { guard: Some(Arc::new(Guard::new(policy))), bundled: false };
    let plan = Plan::sqlite().config(move |config| {
        config.documents = documents.clone();
        let desk = config.clients.iter().find(|client| client.id.as_str() == DESK);
        let mut own = desk.expect("a client").clone();
        own.id = model::ClientId::from_text(id.as_str());
        config.clients.push(own);
    });
    let world = plan.start().await;
    let redirect = "https://desk.example.com/cb";
    let client = Client::configured(&world, &host.at(PATH), Secret::None, redirect);
    assert!(world.person().sign_in(&client.ask(), "basic").await.has_button("decision"));
    assert_eq!(host.asked(PATH), 0);
}

/// T-CIMD-01, CI-1: an id that is no URL in normal form is refused and nobody is asked.
#[tokio::test]
async fn t_cimd_01_nobody_is_asked_for_what_is_no_document() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let url = &host.url;
    for id in [
        url.clone(),
        format!("{url}/"),
        format!("{url}/x#f"),
        format!("{url}/a/../x"),
        format!("{url}/%2e%2e/x"),
        url.replace("https://", "https://u@") + "/x",
        url.replace("https://", "HTTPS://") + "/x",
        url.replace("https://", "http://") + "/x",
        "https://127.0.0.1/x".to_owned(),
        "https://client.localhost/x".to_owned(),
        "https://client.internal/x".to_owned(),
    ] {
        let client = Client::configured(&world, &id, Secret::None, REDIRECT);
        world.person().visit(&client.ask().url()).await.answer.is_local_error();
    }
    for path in ["/", "/x", "//x", "/a/../x"] {
        assert_eq!(host.asked(path), 0, "{path}");
    }
}

/// Closed networks: where the document of a well-known client cannot be fetched, what is in the program
/// counts, if the operator wants that.
#[tokio::test]
async fn bundled_documents_are_used_where_nothing_can_be_fetched() {
    let id = "https://claude.ai/oauth/claude-code-client-metadata";
    for bundled in [true, false] {
        // Nobody is there at this address, whatever the name.
        let lookup: net::outbound::Lookup =
            Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no way out")) }));
        let guard = Guard::resolving(GuardPolicy::default(), lookup);
        let documents = MetadataDocuments { guard: Some(Arc::new(guard)), bundled };
        let plan = Plan::sqlite().config(move |config| config.documents = documents.clone());
        let world = plan.start().await;
        let redirect = "http://localhost:4000/callback";
        let client = Client::configured(&world, id, Secret::None, redirect);
        let page = world.person().visit(&client.ask().url()).await;
        if bundled {
            let ask = client.ask();
            let returned = world.person().authorize(&ask, "basic", Tick::All).await;
            Tokens::of(&client.exchange(returned.code(), &ask).await);
        } else {
            page.answer.is_local_error();
        }
    }
}

/// CI-5, CA-4, T-CIMD-09: a client that prefers to sign does so with the keys that its document names; the
/// same guard fetches those, and nobody does without them.
#[tokio::test]
async fn ci_5_a_client_of_a_document_signs() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let robot = Robot::new(&host.at(PATH), &world.clock);
    let mut signing = document(&host);
    signing["token_endpoint_auth_method"] = json!("private_key_jwt");
    signing["jwks_uri"] = json!(host.at("/jwks.json"));
    host.says(PATH, &signing);
    let client = client(&world, &host);
    world.person().visit(&client.ask().url()).await.answer.is_local_error();
    host.says("/jwks.json", &robot.jwks());
    world.clock.advance_seconds(11);
    let ask = client.ask();
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    client.exchange(returned.code(), &ask).await.refuses(401, "invalid_client");
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", returned.code()),
        ("code_verifier", &ask.verifier),
        ("redirect_uri", REDIRECT),
    ];
    Tokens::of(&robot.post(&world, "/token", &redeem).await);

    // Keys that lead into the company's network are not fetched.
    signing["jwks_uri"] = json!("https://10.0.0.1/jwks.json");
    host.says(PATH, &signing);
    world.clock.advance_seconds(301 + 86_400);
    world.person().visit(&client.ask().url()).await.answer.is_local_error();
}

/// CI-16: one network that wants ever new documents is slowed down, and what is known costs nothing. The
/// refusal is its own: nobody else hears of it.
#[tokio::test]
async fn ci_16_nobody_makes_this_server_fetch_without_end() {
    let host = DocumentHost::start().await;
    host.says(PATH, &document(&host));
    let world = world(Engine::Sqlite, &host).await;
    let refresh = async |path: String| {
        let id = host.at(&path);
        Client::configured(&world, &id, Secret::None, REDIRECT).refresh("wg_rt_x").await
    };
    refresh(PATH.to_owned()).await.refuses(400, "invalid_grant");
    let mut refused = 0;
    for number in 0..60 {
        let answer = refresh(format!("/{number}")).await;
        refused += usize::from(answer.status == 503);
    }
    assert!(refused >= 25, "{refused}");
    let fetched = (0..60).map(|number| host.asked(&format!("/{number}"))).sum::<usize>();
    assert!(fetched <= 35, "{fetched}");
    refresh(PATH.to_owned()).await.refuses(400, "invalid_grant");
    assert_eq!(host.asked(PATH), 1);
}
