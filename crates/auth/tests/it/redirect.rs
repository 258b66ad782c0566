//! Redirect URIs: equal to the byte or refused (RU-1 to RU-12).

use serde_json::json;
use testkit::{Client, Tick};

use crate::world::{Plan, World};

/// Checks that none of these is taken for the registered URI: a page of ours, and no transaction.
async fn none_match(world: &World, registered: &str, others: &[&str]) {
    let metadata = json!({ "redirect_uris": [registered] });
    let client = Client::register_with(world, &metadata).await;
    let before = world.dump().await;
    for other in others {
        let ask = client.ask().set("redirect_uri", other);
        let page = world.person().visit(&ask.url()).await;
        assert_eq!(page.left_to, None, "{registered} took {other}");
        page.answer.is_local_error();
    }
    world.is_unchanged_since(&before).await;
}

/// T-RU-01, T-RU-02, T-RU-04 to T-RU-06, T-RU-10, T-RU-12 to T-RU-14, T-RU-19.
#[tokio::test]
async fn t_ru_01_to_19_web_uris_match_to_the_byte() {
    let world = World::sqlite().await;
    let long = format!("https://client.example.com/cb?{}", "a".repeat(8000));
    none_match(
        &world,
        "https://client.example.com/cb",
        &[
            "https://client.example.com/cb/",
            "https://client.example.com/",
            "https://client.example.com",
            "https://client.example.com/c%62",
            "https://client.example.com/%2Fcb",
            "https://client.example.com/%2fcb",
            "https://client.example.com/cb%20",
            "https://client.example.com/cb+",
            "https://clientXexample.com/cb",
            "https://client.example.com.evil.com/cb",
            "https://evilclient.example.com/cb",
            "https://evil.client.example.com/cb",
            "https://client.example.com/cb?x=1",
            "https://client.example.com/cb#x",
            "https://client.example.com/cb#",
            "https://client.example.com:443/cb",
            "https://client.example.com:8443/cb",
            "https://client.example.com:0/cb",
            "https://client.example.com:65536/cb",
            "https://client.example.com:-1/cb",
            "https://client.example.com:80a/cb",
            "https://client.example.com:/cb",
            "https://client.example.com./cb",
            "https://CLIENT.example.com/cb",
            "HTTPS://client.example.com/cb",
            "http://client.example.com/cb",
            "https:client.example.com/cb",
            "https:evil.example",
            "//client.example.com/cb",
            "/\tevil.example",
            "\\/evil.example",
            "///evil.example",
            "https://client.example.com/x/../cb",
            "https://client.example.com/./cb",
            "https://client.example.com/..%2fcb",
            "https://client.example.com/..;/cb",
            "https://client.example.com/cb/%252e%252e",
            "https://client.example.com\\cb",
            "https://client.example.com/cb\n",
            " https://client.example.com/cb",
            "https://user@client.example.com/cb",
            "https://\u{441}lient.example.com/cb",
            "https://xn--lient-1ye.example.com/cb",
            &long,
        ],
    )
    .await;
}

/// T-RU-07, T-RU-08, T-RU-11, T-RU-17: only the port of a loopback URI is free.
#[tokio::test]
async fn t_ru_07_to_17_loopback_matches_but_for_the_port() {
    let world = World::sqlite().await;
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let others: Vec<String> = ["127.0.0.1", "localhost", "[::1]"]
            .into_iter()
            .filter(|other| *other != host)
            .map(|other| format!("http://{other}:5000/cb"))
            .chain([
                format!("https://{host}:5000/cb"),
                format!("http://{host}:5000/other"),
                format!("http://{host}:5000/cb/"),
                format!("http://{host}:5000/cb?x=1"),
                format!("http://{host}:65536/cb"),
                format!("http://{host}:/cb"),
                format!("http://{host}:5000"),
                format!("http://{host}@evil.example/cb"),
            ])
            .chain(
                [
                    "http://127.0.0.1.evil.com:1/cb",
                    "http://localhost.evil.com/cb",
                    "http://[::1].evil/cb",
                    "http://127.0.0.2:5000/cb",
                    "http://0.0.0.0:5000/cb",
                    "http://[::ffff:127.0.0.1]:5000/cb",
                    "http://127.1:5000/cb",
                    "http://2130706433:5000/cb",
                ]
                .map(str::to_owned),
            )
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        none_match(&world, &format!("http://{host}:4000/cb"), &others).await;
    }
}

/// T-RU-07, RU-3, RU-4, CL-5: any port does, and the answer goes to that one.
#[tokio::test]
async fn t_ru_07_any_loopback_port() {
    let world = World::sqlite().await;
    for registered in [
        "http://127.0.0.1:4000/cb",
        "http://127.0.0.1/cb",
        "http://localhost:4000/cb",
        "http://[::1]/cb",
    ] {
        let metadata = json!({ "redirect_uris": [registered] });
        let client = Client::register_with(&world, &metadata).await;
        let host = registered.trim_start_matches("http://");
        let host = host.split_once(']').map_or_else(
            || host.split([':', '/']).next().unwrap_or_default().to_owned(),
            |(inside, _)| format!("{inside}]"),
        );
        let other = format!("http://{host}:54321/cb");
        let ask = client.ask().set("redirect_uri", &other);
        let returned = world.person().authorize(&ask, "basic", Tick::All).await;
        assert!(returned.url.starts_with(&format!("{other}?")), "{}", returned.url);
        let more = [("code_verifier", ask.verifier.as_str()), ("redirect_uri", &other)];
        let answer = client.redeem(returned.code(), &more).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// T-RU-16, RU-1: a registered query stays as it is, and the answer is appended to it.
#[tokio::test]
async fn t_ru_16_a_registered_query_is_preserved() {
    let world = World::sqlite().await;
    let uri = "https://client.example.com/cb?flag&x=%41+b&y=%ff";
    let metadata = json!({ "redirect_uris": [uri] });
    let client = Client::register_with(&world, &metadata).await;
    let ask = client.ask();
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    assert!(returned.url.starts_with(&format!("{uri}&code=")), "{}", returned.url);
}

/// T-RU-18, RU-5: schemes of applications: exact, with a dot or allowed by name.
#[tokio::test]
async fn t_ru_18_private_use_schemes() {
    let world = World::sqlite().await;
    none_match(
        &world,
        "com.example.app:/cb",
        &["com.example.app://cb", "com.example.app:/cb/", "COM.example.app:/cb"],
    )
    .await;
    for unknown in ["myapp://cb", "slack://cb"] {
        let answer = world.register(&json!({ "redirect_uris": [unknown] })).await;
        answer.refuses(400, "invalid_redirect_uri");
    }
    for known in ["cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/cb"] {
        let metadata = json!({ "redirect_uris": [known] });
        let client = Client::register_with(&world, &metadata).await;
        let ask = client.ask();
        let person = world.person();
        let consent = person.sign_in(&ask, "basic").await;
        let page = person.allow(&consent, Tick::All).await;
        // CL-18: a page with a link, since such a redirect can end in nothing.
        assert_eq!(page.answer.status, 200, "{}", page.answer.body);
        let returned = page.offered_return(known);
        assert_eq!(returned.get("state"), Some(ask.get("state")));
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// T-RU-20, RU-12: a redirect URI that was withdrawn meanwhile gets no code.
#[tokio::test]
async fn t_ru_20_withdrawn_between_start_and_consent() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    let withdraw = format!(
        "UPDATE OAUTH_CLIENT SET redirect_uris = \
         REPLACE(redirect_uris, '127.0.0.1', 'localhost') WHERE client_id = '{}'",
        client.id
    );
    world.database.execute(&withdraw).await;
    let page = person.allow(&consent, Tick::All).await;
    assert_eq!(page.left_to, None);
    page.answer.is_local_error();
    assert_eq!(world.dump().await.count("OAUTH_CODE"), 0);
}

/// RU-9: without the parameter there must be exactly one, with a port that is known.
#[tokio::test]
async fn ru_9_the_parameter_may_be_left_out_for_one_web_uri() {
    let world = World::sqlite().await;
    let one = "https://client.example.com/cb";
    let metadata = json!({ "redirect_uris": [one] });
    let client = Client::register_with(&world, &metadata).await;
    let ask = client.ask().without("redirect_uri");
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    assert!(returned.url.starts_with(one));
    let metadata = json!({ "redirect_uris": [one, "https://client.example.com/other"] });
    let client = Client::register_with(&world, &metadata).await;
    let ask = client.ask().without("redirect_uri");
    world.person().visit(&ask.url()).await.answer.is_local_error();
}

/// RU-6, `oauth.allow_loopback_redirects`: a deployment without loopback clients.
#[tokio::test]
async fn loopback_redirects_can_be_switched_off() {
    let plan = Plan::sqlite().config(|config| config.redirect_policy.allow_loopback = false);
    let world = plan.start().await;
    let answer = world.register(&json!({ "redirect_uris": ["http://127.0.0.1:1/cb"] })).await;
    answer.refuses(400, "invalid_redirect_uri");
}
