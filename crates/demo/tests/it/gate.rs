//! Who is let in, and as whom.

use bytes::Bytes;
use demo::header;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::harness::{Client, Demo, ERAS, Era, Who, fetch};

const SECRET: &str = "correct horse battery staple";

#[tokio::test]
async fn without_the_shared_key_nothing_is_answered() {
    let demo = Demo::start_with(Some(SECRET)).await;
    let strangers = [
        Who::admin(),
        Who::admin().with(header::KEY, "wrong horse"),
        Who::admin().with(header::KEY, "correct horse battery stapl"),
        Who::admin().with(header::KEY, ""),
        Who::admin().with(header::KEY, SECRET).with(header::KEY, SECRET),
        Who::admin().with(header::KEY, SECRET).with(header::KEY, "wrong horse"),
    ];
    for who in strangers {
        let client = demo.stateless(who).await;
        let answer = client.send("tools/list", json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let text = answer.text().await;
        assert!(text.contains("X-Wicketgate-Key") && !text.contains("horse"), "{text}");
    }
}

#[tokio::test]
async fn the_key_is_asked_for_before_anything_else() {
    let demo = Demo::start_with(Some(SECRET)).await;
    for (method, path) in [("GET", "/mcp"), ("DELETE", "/mcp"), ("PUT", "/mcp"), ("GET", "/other")]
    {
        let answer = fetch(plain(&demo, method, path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert_eq!(fetch(plain(&demo, "GET", "/health")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn with_the_shared_key_the_gateway_speaks_for_people() {
    let demo = Demo::start_with(Some(SECRET)).await;
    for era in ERAS {
        let client = demo.client(era, Who::manager().with(header::KEY, SECRET)).await;
        let profile = client.succeed("get_my_profile", json!({})).await;
        assert_eq!(profile["person"]["id"], "USR-2", "{era:?}");
        assert_eq!(profile["role"], "process_manager", "{era:?}");
        assert_eq!(profile["client"], "test-client", "{era:?}");
    }
}

#[tokio::test]
async fn an_empty_configured_key_opens_to_nobody() {
    let demo = Demo::start_with(Some("")).await;
    for who in [Who::admin(), Who::admin().with(header::KEY, "")] {
        let answer = demo.stateless(who).await.send("tools/list", json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn an_identity_that_is_unclear_is_refused() {
    let demo = Demo::start().await;
    let unclear = [
        Who::basic().with(header::SUBJECT, "s-admin"),
        Who::basic().with(header::USER_TYPE, "administrator"),
        Who(vec![(header::SUBJECT, "s-1"), (header::USER_TYPE, "superuser")]),
        Who(vec![(header::USER_TYPE, "administrator")]),
    ];
    for who in unclear {
        let answer = demo.stateless(who).await.send("tools/list", json!({})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn whoever_is_not_named_is_an_anonymous_basic_user() {
    let demo = Demo::start().await;
    let client = demo.stateless(Who::anonymous()).await;
    let profile = client.succeed("get_my_profile", json!({})).await;
    assert_eq!(profile["person"]["name"], "Anonymous");
    assert_eq!(profile["role"], "basic");
}

#[tokio::test]
async fn a_new_subject_gets_a_record_that_follows_the_sign_in() {
    let demo = Demo::start().await;
    let newcomer = |name, user_type| {
        Who(vec![(header::SUBJECT, "s-9"), (header::NAME, name), (header::USER_TYPE, user_type)])
    };
    let first = demo.stateless(newcomer("Zo%C3%AB", "basic")).await;
    let profile = first.succeed("get_my_profile", json!({})).await;
    assert_eq!(profile["person"], json!({ "id": "USR-4", "name": "Zoë" }));

    let promoted = demo.stateless(newcomer("Zo%C3%AB%20Lind", "administrator")).await;
    let profile = promoted.succeed("get_my_profile", json!({})).await;
    assert_eq!(profile["person"], json!({ "id": "USR-4", "name": "Zoë Lind" }));
    assert_eq!(profile["role"], "administrator");
}

/// T-MCP-45: what a session may do depends on who sends the request, not on who opened it.
#[tokio::test]
async fn a_borrowed_session_lends_no_identity() {
    let demo = Demo::start().await;
    let admin = demo.client(Era::Sessions("2025-11-25"), Who::admin()).await;
    admin.succeed("admin_get_settings", json!({})).await;
    let borrowed: Client = admin.lent_to(Who::basic());
    borrowed.refused("admin_get_settings", json!({})).await;
    let profile = borrowed.succeed("get_my_profile", json!({})).await;
    assert_eq!(profile["person"]["id"], "USR-1");
}

/// T-MCP-31: a page on another site cannot reach the server by pointing its name at loopback.
#[tokio::test]
async fn a_foreign_host_name_is_refused() {
    let demo = Demo::start().await;
    let mut request = plain(&demo, "POST", "/mcp");
    request.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(fetch(request).await.status, StatusCode::FORBIDDEN);
}

fn plain(demo: &Demo, method: &str, path: &str) -> Request<Full<Bytes>> {
    let uri = format!("http://{}{path}", demo.address);
    Request::builder().method(method).uri(uri).body(Full::default()).unwrap()
}
