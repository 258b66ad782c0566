//! `GET /authorize` where it depends on the rest of the deployment: the sidecar that takes the
//! tokens, and the proxy in front.

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use testkit::{Era, McpCaller, Place, Tick, Tokens};

use crate::world::Plan;

/// T-AZ-13, RI-3: a grant is for one resource. Of two different ones none is guessed.
#[tokio::test]
async fn t_az_13_one_resource_for_each_grant() {
    let world = Plan::sqlite().second_server().start().await;
    let client = world.client().await;
    let second = format!("{}/second", world.mcp);
    let ask = client.ask().add("resource", &second);
    let page = world.person().visit(&ask.url()).await;
    page.answer.is_interstitial();
    let returned = page.offered_return(&client.redirect_uri);
    assert_eq!(returned.get("error"), Some("invalid_target"));
    for (asked, other) in [(&second, &world.mcp), (&world.mcp, &second)] {
        let ask = client.ask().set("resource", asked);
        let returned = world.person().authorize(&ask, "basic", Tick::All).await;
        let wrong = [("code_verifier", ask.verifier.as_str()), ("resource", other)];
        client.redeem(returned.code(), &wrong).await.refuses(400, "invalid_target");
        let right = [("code_verifier", ask.verifier.as_str()), ("resource", asked)];
        let tokens = Tokens::of(&client.redeem(returned.code(), &right).await);
        // T-MCP-05, RI-7: each server takes its own tokens only.
        let at = |url: &str| {
            let place = Place::new(&world.issuer, url);
            let caller = McpCaller::new(&place, &tokens.access, Era::Stateless);
            async move { caller.ask("tools/list", json!({})).await.status }
        };
        assert_eq!((at(asked).await, at(other).await), (200, 401), "{asked}");
    }
}

/// A4: one network begins so many authorizations in a minute, however often it asks, and leaves no
/// rows beyond them; another one is not concerned.
#[tokio::test]
async fn a4_authorizations_of_one_network_are_slowed_down() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let plan = plan.oauth("authorizations_per_minute = 5");
        let world = plan.listener("trusted_proxies = [\"127.0.0.1/32\"]").start().await;
        let client = world.client().await;
        let ask = async |address: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(address));
            world.get_with(&client.ask().url(), headers).await
        };
        for _ in 0..5 {
            assert_eq!(ask("2001:db8:1:2::7").await.status, 303);
        }
        let before = world.dump().await;
        for same in ["2001:db8:1:2::7", "2001:db8:1:2:ffff::1"] {
            let slowed = ask(same).await;
            assert_eq!(slowed.status, 429, "{}", slowed.body);
            assert!(slowed.header("retry-after").is_some());
        }
        world.is_unchanged_since(&before).await;
        assert_eq!(ask("192.0.2.7").await.status, 303);
    }
}
