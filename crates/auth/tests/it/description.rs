//! The description in OpenAPI of the endpoints that programs call.

use serde_json::{Value, json};

use crate::world::{Plan, World};

/// MD-17, MD-15: at the issuer's path, with that issuer as the server, for any origin to read.
#[tokio::test]
async fn md_17_the_description_names_its_own_issuer() {
    for path in ["", "/wfgen"] {
        let world = Plan::sqlite().at(path).start().await;
        let answer = world.get(&world.at("/openapi.json")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.json()["servers"], json!([{ "url": world.issuer }]));
    }
}

/// MD-17, MD-16: everything that is described is there, by the methods that are described.
#[tokio::test]
async fn md_17_every_described_endpoint_is_there() {
    let world = World::sqlite().await;
    let paths = description(&world).await["paths"].clone();
    let paths = paths.as_object().expect("paths");
    assert!(paths.contains_key("/register"), "{paths:?}");
    for (path, item) in paths {
        for method in item.as_object().expect("operations").keys() {
            let answer = world.send(&method.to_uppercase(), &world.at(path)).await;
            assert!(![404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
}

/// MD-16: registration that is switched off is not described.
#[tokio::test]
async fn md_16_registration_that_is_off_is_not_described() {
    let plan = Plan::sqlite().config(|config| config.registration.enabled = false);
    let world = plan.start().await;
    let paths = description(&world).await["paths"].clone();
    assert_eq!(paths.get("/register"), None);
    assert!(paths.get("/token").is_some(), "{paths}");
}

async fn description(world: &World) -> Value {
    world.get(&world.at("/openapi.json")).await.json()
}
