//! How the documents of clients are fetched from a real host (SS-1, SS-2, SS-5), and what becomes of those
//! that are known (CI-18).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth::config::Config;
use kernel::Clock as _;
use model::{Disabled, DisabledKind};
use net::outbound::{Guard, GuardPolicy, Lookup, NotFetched};
use protocol::registration::AllowedRedirects;
use serde_json::json;
use store::unit::Disable;
use store::{Store, StoreOptions};
use testkit::{Client, DOCUMENT_HOST, DocumentHost, Engine, Secret, Tick, Tokens};
use url::Url;

use crate::documents::{world, world_with};
use crate::world::Robot;

const PATH: &str = "/client.json";
const LIMIT: usize = 64 * 1024;

/// What may be fetched where this name is an own host.
fn own(name: &str, authority: Option<&str>) -> GuardPolicy {
    GuardPolicy {
        private_hosts: vec![name.to_owned()],
        authorities_pem: authority.map(str::to_owned),
        ..GuardPolicy::default()
    }
}

/// Every name is here when it is first looked up, and elsewhere from then on.
fn moving() -> (Lookup, Arc<AtomicUsize>) {
    let looked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    let lookup: Lookup = Arc::new(move |_| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let address = if first { [127, 0, 0, 1] } else { [127, 255, 255, 254] };
        Box::pin(async move { Ok(vec![IpAddr::from(address)]) })
    });
    (lookup, looked)
}

async fn fetch(guard: &Guard, url: &str) -> Result<u16, NotFetched> {
    let url = Url::parse(url).expect("a URL");
    guard.get(&url, LIMIT).await.map(|fetched| fetched.status)
}

/// SS-2, T-SSRF-03: a name that moves between look and connection is connected to where it was looked at.
#[tokio::test]
async fn t_ssrf_03_the_connection_goes_where_the_look_went() {
    let host = DocumentHost::start().await;
    host.says(PATH, &json!({}));
    let (lookup, looked) = moving();
    let guard = Guard::resolving(own(DOCUMENT_HOST, Some(&host.authority)), lookup);
    assert_eq!(fetch(&guard, &host.at(PATH)).await, Ok(200));
    assert_eq!((looked.load(Ordering::Relaxed), host.asked(PATH)), (1, 1));
    // No connection is kept, so the next fetch looks again and does not find the host.
    let gone = fetch(&guard, &host.at(PATH)).await;
    assert!(matches!(gone, Err(NotFetched::Unreachable(_))), "{gone:?}");
    assert_eq!((looked.load(Ordering::Relaxed), host.asked(PATH)), (2, 1));
}

/// SS-1, T-SSRF-15: a host is asked only with a certificate for its name, of an authority that is trusted, and in
/// time; an own host is no exception.
#[tokio::test]
async fn t_ssrf_15_certificates_that_are_no_good() {
    let (host, expired) = (DocumentHost::start().await, DocumentHost::expired().await);
    let other = "client.example.com";
    for (name, host, authority) in [
        (DOCUMENT_HOST, &host, None),
        (DOCUMENT_HOST, &host, Some(&expired.authority)),
        (other, &host, Some(&host.authority)),
        (DOCUMENT_HOST, &expired, Some(&expired.authority)),
    ] {
        host.says(PATH, &json!({}));
        let (lookup, _) = moving();
        let guard = Guard::resolving(own(name, authority.map(String::as_str)), lookup);
        let url = host.at(PATH).replace(DOCUMENT_HOST, name);
        let outcome = fetch(&guard, &url).await;
        assert!(matches!(outcome, Err(NotFetched::Unreachable(_))), "{name}: {outcome:?}");
        assert_eq!(host.asked(PATH), 0, "{name}");
    }
}

/// CI-9, SS-5, T-CIMD-05: a document that says no length and never ends is read to the limit and no further.
#[tokio::test]
async fn t_cimd_05_a_document_that_never_ends() {
    let host = DocumentHost::start().await;
    host.never_ends(PATH);
    let world = world(Engine::Sqlite, &host).await;
    let guard = Guard::new(own(DOCUMENT_HOST, Some(&host.authority)));
    assert_eq!(fetch(&guard, &host.at(PATH)).await, Err(NotFetched::TooLarge(LIMIT)));
    let client = Client::configured(&world, &host.at(PATH), Secret::None, "http://127.0.0.1/cb");
    world.person().visit(&client.ask().url()).await.answer.is_local_error();
}

/// SS-6, CI-11: what somebody wrote into an id is not read on a page of ours; its host is.
#[tokio::test]
async fn ss_6_a_page_repeats_no_more_of_an_id_than_its_host() {
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    for (id, shown) in [
        (host.at("/call-us-at-0800"), DOCUMENT_HOST),
        ("https://x/ call-us-at-0800 or lose your account".to_owned(), "can&#39;t be used"),
        ("https://clients.internal/call-us-at-0800".to_owned(), "clients.internal"),
    ] {
        let client = Client::configured(&world, &id, Secret::None, "http://127.0.0.1/cb");
        let page = world.person().visit(&client.ask().url()).await;
        page.answer.is_local_error();
        let body = &page.answer.body;
        assert!(body.contains(shown) && !body.contains("call-us"), "{body}");
    }
}

/// CI-18, GR-2, T-CIMD-20: a client whose document is known is nobody from when it is switched off, also where
/// it waits for an answer.
#[tokio::test]
async fn t_cimd_20_a_known_document_is_no_way_around_a_no() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let host = DocumentHost::start().await;
        let id = host.at(PATH);
        let redirect = "http://127.0.0.1:33418/cb";
        let document =
            json!({ "client_id": id, "client_name": "Described", "redirect_uris": [redirect] });
        host.says(PATH, &document);
        let world = world(engine, &host).await;
        let client = Client::configured(&world, &id, Secret::None, redirect);
        let ask = client.ask();
        let returned = world.person().authorize(&ask, "basic", Tick::All).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        let waiting = world.person();
        let consent = waiting.sign_in(&client.ask(), "basic").await;

        let store = Store::open(StoreOptions::new(world.database.url())).await.expect("a store");
        let what = Disabled::new(DisabledKind::Client, &*id);
        store.write(Disable { what, now: world.clock.now() }).await.expect("it is switched off");
        store.close().await;
        let refused = async {
            while world.person().get_once(&client.ask().url()).await.status != 403 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), refused).await.expect("within five seconds");
        client.refresh(&tokens.refresh).await.refuses(401, "invalid_client");
        waiting.allow(&consent, Tick::All).await.answer.is_local_error();
        assert_eq!(host.asked(PATH), 1, "it was known all the time");
    }
}

/// CI-8, CA-4: the keys of a client are believed for as long as their own headers say, however long the document
/// is good: a key that was taken away proves nothing any more.
#[tokio::test]
async fn ci_8_keys_are_kept_as_their_own_headers_say() {
    const KEYS: &str = "/jwks.json";
    const JSON: (&str, &str) = ("content-type", "application/json");
    let host = DocumentHost::start().await;
    let world = world(Engine::Sqlite, &host).await;
    let id = host.at(PATH);
    let document = json!({
        "client_id": id, "client_name": "Signs", "redirect_uris": ["https://c.example.com/cb"],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.at(KEYS),
    });
    let for_a_day = [JSON, ("cache-control", "max-age=86400")];
    host.answers(PATH, 200, &for_a_day, &document.to_string());
    let [old, new] = [(); 2].map(|()| Robot::new(&id, &world.clock));
    let has = |robot: &Robot| {
        let for_a_minute = [JSON, ("cache-control", "max-age=60")];
        host.answers(KEYS, 200, &for_a_minute, &robot.jwks().to_string());
    };
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "wg_rt_x")];
    has(&old);
    old.post(&world, "/token", &refresh).await.refuses(400, "invalid_grant");
    has(&new);
    world.clock.advance_seconds(61);
    old.post(&world, "/token", &refresh).await.refuses(401, "invalid_client");
    new.post(&world, "/token", &refresh).await.refuses(400, "invalid_grant");
}

/// RG-17, CI-18: what may come back where is decided once, however a client describes itself.
#[tokio::test]
async fn rg_17_only_expected_redirect_uris_in_documents() {
    for (allowed, is_let_in) in [("cursor:", false), ("http://127.0.0.1/cb", true)] {
        let host = DocumentHost::start().await;
        let id = host.at(PATH);
        let redirects = ["http://127.0.0.1:33418/cb"];
        let document = json!({ "client_id": id, "client_name": "D", "redirect_uris": redirects });
        host.says(PATH, &document);
        let allowed = AllowedRedirects::parse([allowed]).expect("a list");
        let change =
            move |config: &mut Config| config.registration.allowed_redirects = allowed.clone();
        let world = world_with(Engine::Sqlite, &host, change).await;
        let client = Client::configured(&world, &id, Secret::None, redirects[0]);
        let page = world.person().visit(&client.ask().url()).await;
        if is_let_in {
            assert_eq!(page.answer.status, 200, "{}", page.answer.body);
        } else {
            page.answer.is_local_error();
            assert!(page.answer.body.contains("allowed_redirects"), "{}", page.answer.body);
        }
    }
}
