//! The token endpoint: who may speak, and in which form.

use kernel::encoding::base64;
use serde_json::json;
use testkit::{Answer, Client, Secret};

use crate::world::{VAULT, VAULT_SECRET, World};

const FORM: &str = "application/x-www-form-urlencoded";

fn vault(world: &World, secret: Secret) -> Client {
    Client::configured(world, VAULT, secret, "https://vault.example.com/cb")
}

/// T-CA-01, T-CA-02, T-CA-15, TK-1, OA-2: the form of a token request.
#[tokio::test]
async fn t_ca_01_02_and_15_malformed_requests_change_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "basic").await;
    let before = world.dump().await;
    let url = world.at("/token");
    let good = format!(
        "grant_type=authorization_code&client_id={}&code={code}&code_verifier={}",
        client.id, ask.verifier
    );
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let answer = world.send(method, &format!("{url}?{good}")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow").map(|a| a.contains("POST")), Some(true));
    }
    let in_query = world.post(&format!("{url}?{good}"), FORM, "").await;
    in_query.refuses(400, "invalid_request");
    let both = world.post(&format!("{url}?a=b"), FORM, good.clone()).await;
    both.refuses(400, "invalid_request");
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let answer = world.post(&url, kind, good.clone()).await;
        answer.refuses(400, "invalid_request");
    }
    let untyped = Answer::to(world.http.post(&url).body(good.clone())).await;
    untyped.refuses(400, "invalid_request");
    for (body, error) in [
        (String::new(), "invalid_request"),
        (good.replace("grant_type=authorization_code&", ""), "invalid_request"),
        (good.replace("authorization_code", ""), "invalid_request"),
        (good.replace("authorization_code", "password"), "unsupported_grant_type"),
        (
            good.replace("authorization_code", "urn:ietf:params:oauth:grant-type:device_code"),
            "unsupported_grant_type",
        ),
        (format!("{good}&grant_type=authorization_code"), "invalid_request"),
        (format!("{good}&client_id={}", client.id), "invalid_request"),
        (format!("{good}&code_verifier=x"), "invalid_request"),
        (format!("{good}&x=%ff%fe"), "invalid_request"),
    ] {
        let answer = world.post(&url, FORM, body.clone()).await;
        answer.refuses(400, error);
    }
    let many = format!("{good}{}", "&a=b".repeat(200));
    world.post(&url, FORM, many).await.refuses(400, "invalid_request");
    // A failed check counts against the code (T-TC-08); nothing else may differ.
    let after = world.dump().await;
    let codes = after.rows("OAUTH_CODE")[0].replace("failed_redemptions=1", "failed_redemptions=0");
    assert_eq!(before.rows("OAUTH_CODE"), [codes]);
    assert_eq!(before.count("OAUTH_GRANT"), after.count("OAUTH_GRANT"));
    // OA-3: an unknown parameter is ignored.
    let answer = world.post(&url, FORM, format!("{good}&unknown=1")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// T-CA-03, T-CA-06, CA-2: exactly one way, and the registered one; the code is not used up.
#[tokio::test]
async fn t_ca_03_and_06_the_registered_way_and_no_other() {
    let world = World::sqlite().await;
    let url = world.at("/token");
    let metadata = |method: &str| {
        json!({
            "redirect_uris": ["https://client.example.com/cb"],
            "token_endpoint_auth_method": method,
        })
    };
    for method in ["none", "client_secret_post", "client_secret_basic"] {
        let client = Client::register_with(&world, &metadata(method)).await;
        let secret = match &client.secret {
            Secret::None => "wg_cs_made-up".to_owned(),
            Secret::Post(secret) | Secret::Basic(secret) => secret.clone(),
        };
        let (code, ask) = world.code(&client, "basic").await;
        let before = world.dump().await;
        for way in [Secret::None, Secret::Post(secret.clone()), Secret::Basic(secret.clone())] {
            if way != client.secret {
                let answer = client.clone().proving(way).exchange(&code, &ask).await;
                answer.refuses(401, "invalid_client");
            }
        }
        // Two ways at once.
        let body = format!(
            "grant_type=authorization_code&client_id={}&client_secret={secret}&code={code}",
            client.id
        );
        let pair = base64(format!("{}:{secret}", client.id).as_bytes());
        let request = |value: &str| {
            world
                .http
                .post(&url)
                .header("content-type", FORM)
                .header("authorization", value)
                .body(body.clone())
        };
        let answer = Answer::to(request(&format!("Basic {pair}"))).await;
        answer.refuses(400, "invalid_request");
        let twice = request("Basic x").header("authorization", "Basic y");
        Answer::to(twice).await.refuses(400, "invalid_request");
        let assertion = format!("{body}&client_assertion=x.y.z&client_assertion_type=jwt");
        let answer = world.post(&url, FORM, assertion).await;
        answer.refuses(400, "invalid_request");
        world.is_unchanged_since(&before).await;
        let answer = client.exchange(&code, &ask).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
    }
}

/// T-CA-05, CA-1: id and secret are form-encoded inside HTTP Basic; the scheme has no case.
#[tokio::test]
async fn t_ca_05_basic_is_form_encoded() {
    let world = World::sqlite().await;
    let connected =
        world.connect_client(vault(&world, Secret::Basic(VAULT_SECRET.into())), "basic").await;
    // Configured clients may also use the body.
    let post = vault(&world, Secret::Post(VAULT_SECRET.into()));
    let next = post.refresh(&connected.tokens.refresh).await;
    assert_eq!(next.status, 200, "{}", next.body);
    let encoded = "vault%3A1:vault+secret%3A%2B%2525%26%3D0123456789";
    // Clients that leave the encoding out mean what they send.
    let raw = format!("vault%3A1:{VAULT_SECRET}");
    let body = format!("grant_type=refresh_token&refresh_token={}", connected.tokens.refresh);
    for (scheme, encoded) in
        [("Basic", encoded), ("basic", encoded), ("BASIC", encoded), ("Basic", raw.as_str())]
    {
        let request = world
            .http
            .post(world.at("/token"))
            .header("content-type", FORM)
            .header("authorization", format!("{scheme} {}", base64(encoded.as_bytes())))
            .body(body.clone());
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, 200, "{scheme} {encoded}: {}", answer.body);
    }
}

/// T-CA-07, CA-3: a malformed header is a failed authentication, with a challenge.
#[tokio::test]
async fn ca_3_malformed_basic_is_401() {
    let world = World::sqlite().await;
    let before = world.dump().await;
    for value in [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Basic /////w==",
        "Bearer x",
        "Digest x",
        "Basic eDp5",
    ] {
        let request = world
            .http
            .post(world.at("/token"))
            .header("content-type", FORM)
            .header("authorization", value)
            .body("grant_type=refresh_token&refresh_token=x");
        let answer = Answer::to(request).await;
        answer.refuses(401, "invalid_client");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Basic"), "{value}: {challenge}");
    }
    world.is_unchanged_since(&before).await;
}

/// CA-3 (RFC 6749 §5.2): a challenge answers the header in which a client tried, and nothing else.
#[tokio::test]
async fn ca_3_only_an_authorization_header_is_challenged() {
    let world = World::sqlite().await;
    let wrong = "wrong-secret-0123456789".to_owned();
    for (secret, challenged) in
        [(Secret::Basic(wrong.clone()), true), (Secret::Post(wrong), false), (Secret::None, false)]
    {
        for path in ["/token", "/revoke", "/introspect"] {
            let client = vault(&world, secret.clone());
            let params = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("token", "x")];
            let answer = client.post(path, &params).await;
            answer.refuses(401, "invalid_client");
            assert_eq!(answer.header("www-authenticate").is_some(), challenged, "{path}");
        }
    }
}

/// T-CA-07, OA-8, ST-3: guessing is slowed down; an unknown client and a wrong secret look alike.
#[tokio::test]
async fn t_ca_07_guessing_is_slowed_down() {
    let world = World::sqlite().await;
    let connected =
        world.connect_client(vault(&world, Secret::Post(VAULT_SECRET.into())), "basic").await;
    let before = world.dump().await;
    let wrong = vault(&world, Secret::Post("wrong-secret-0123456789".into()));
    let unknown = Client::configured(&world, "nobody", wrong.secret.clone(), "");
    let refresh = connected.tokens.refresh.as_str();
    let (first, second) = (wrong.refresh(refresh).await, unknown.refresh(refresh).await);
    first.refuses(401, "invalid_client");
    assert_eq!((first.status, first.body), (second.status, second.body));
    let mut statuses = Vec::new();
    for _ in 0..50 {
        statuses.push(wrong.refresh(refresh).await.status);
    }
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)));
    let last = wrong.refresh(refresh).await;
    last.refuses(429, "slow_down");
    assert!(last.header("retry-after").is_some());
    world.is_unchanged_since(&before).await;
    // Whoever knows the secret is not slowed down by those who do not.
    let answer = connected.client.refresh(refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// T-CA-09, CA-8: a client that is gone is nobody, at every endpoint.
#[tokio::test]
async fn t_ca_09_clients_that_are_gone() {
    let world = World::sqlite().await;
    let connected = world.connect("basic").await;
    let (code, ask) = world.code(&connected.client, "basic").await;
    world.database.execute("DELETE FROM OAUTH_CLIENT").await;
    let before = world.dump().await;
    let client = &connected.client;
    for answer in [
        client.exchange(&code, &ask).await,
        client.refresh(&connected.tokens.refresh).await,
        client.revoke(&connected.tokens.refresh).await,
    ] {
        answer.refuses(401, "invalid_client");
    }
    world.is_unchanged_since(&before).await;
}

/// §24: browser code of anybody may use the endpoints of clients, without cookies.
#[tokio::test]
async fn client_endpoints_are_open_to_browser_code() {
    let world = World::sqlite().await;
    for path in ["/token", "/register", "/revoke"] {
        let request = world
            .http
            .request("OPTIONS".parse().expect("a method"), world.at(path))
            .header("origin", "https://inspector.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let preflight = Answer::to(request).await;
        assert_eq!(preflight.status, 204, "{path}");
        let answer = world.post(&world.at(path), FORM, "").await;
        for answer in [preflight, answer] {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}

/// T-DOS-04, T-DOS-05, DS-1, DS-5: nothing is inflated, and nothing is read without an end.
#[tokio::test]
async fn t_dos_04_and_05_bodies_have_limits() {
    let world = World::sqlite().await;
    let before = world.dump().await;
    for path in ["/token", "/revoke", "/register"] {
        let kind = if path == "/register" { "application/json" } else { FORM };
        let request = world
            .http
            .post(world.at(path))
            .header("content-type", kind)
            .header("content-encoding", "gzip")
            .body(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
        Answer::to(request).await.refuses(415, "invalid_request");
        let large = format!("a={}", "x".repeat(65 * 1024));
        let answer = world.post(&world.at(path), kind, large).await;
        answer.refuses(413, "invalid_request");
    }
    let flood: String = (0..100_000).fold(String::new(), |all, n| all + &format!("{n}=&"));
    let answer = world.post(&world.at("/token"), FORM, flood).await;
    answer.refuses(413, "invalid_request");
    let keys: String = (0..5_000).fold(String::new(), |all, n| all + &format!("k{n}=&"));
    let answer = world.post(&world.at("/token"), FORM, keys).await;
    answer.refuses(400, "invalid_request");
    world.is_unchanged_since(&before).await;
}
