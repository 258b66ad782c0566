//! Where nobody has to prove who they are, a page elsewhere must not become one of ours (A13).

use reqwest::header::{HOST, HeaderMap, HeaderValue};

use crate::world::Plan;

/// A13: with a fixed user or the demo's people every endpoint checks Host, as `/mcp` does.
#[tokio::test]
async fn a13_a_rebound_page_reaches_nothing() {
    for line in ["dev_fixed_user = \"dev@example.com\"", "demo_people = true"] {
        for plan in [Plan::sqlite(), Plan::sqlite().apart()] {
            let world = plan.sign_in(line).start().await;
            let client = world.client().await;
            let before = world.dump().await;
            let asked = client.ask().url();
            let rebound =
                |host: &'static str| HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            for url in [
                &asked,
                &world.at("/sign-in"),
                &world.at("/account"),
                &world.at("/authorize/resume?txn=x"),
                &world.at("/jwks"),
                &world.at("/nothing"),
            ] {
                for host in ["rebound.example", "127.0.0.1.rebound.example", "localhost.", "x:80"] {
                    let answer = world.get_with(url, rebound(host)).await;
                    assert_eq!(answer.status, 421, "{host} {url}: {}", answer.body);
                }
            }
            let register = world.http.post(world.at("/register")).header(HOST, "rebound.example");
            assert_eq!(register.send().await.expect("an answer").status(), 421);
            world.is_unchanged_since(&before).await;
            let answer = world.get_with(&asked, rebound("localhost:1")).await;
            assert_eq!(answer.status, 303, "any name of this computer is ours");
        }
    }
}

/// Behind a proxy that calls us by an inner name nothing changes: people prove who they are.
#[tokio::test]
async fn a13_with_real_providers_any_name_will_do() {
    let local = "[[sign_in.provider]]\nid = \"here\"\nkind = \"local\"\n";
    let world = Plan::sqlite().providers(local).start().await;
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("wicketgate.internal"))]);
    assert_eq!(world.get_with(&world.at("/jwks"), headers).await.status, 200);
}
