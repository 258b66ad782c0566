//! Groups, organizations and further claims, in all the shapes that providers send.

use super::idp::{Canned, Idp};
use super::world::{ACCESS_TOKEN, Plan, World};
use serde_json::{Value, json};
use sso::ProviderError;
use sso::oidc::{Config, GroupOverage, Userinfo};

#[tokio::test]
async fn groups_are_a_list_a_text_nested_or_missing() {
    for (name, claims, expected) in [
        ("groups", json!({"groups": ["a", "b"]}), vec!["a", "b"]),
        ("groups", json!({"groups": "a"}), vec!["a"]),
        ("realm_access.roles", json!({"realm_access": {"roles": ["a"]}}), vec!["a"]),
        ("https://example.com/roles", json!({"https://example.com/roles": ["a"]}), vec!["a"]),
        ("groups", json!({}), vec![]),
        ("", json!({"groups": ["a"]}), vec![]),
    ] {
        let world = World::with(|config| config.claims.groups = name.to_owned()).await;
        let signed_in = world.sign_in(|plan| {
            plan.claims.as_object_mut().unwrap().remove("groups");
            for (name, value) in claims.as_object().unwrap() {
                plan.claims[name.as_str()] = value.clone();
            }
        });
        assert_eq!(signed_in.await.unwrap().identity.groups, expected, "{name} in {claims}");
    }
}

#[tokio::test]
async fn organizations_and_kept_claims_are_read_and_no_others() {
    let world = World::with(|config| {
        config.claims.organization = "org".to_owned();
        config.kept_claims = vec!["grade".to_owned(), "absent".to_owned()];
    })
    .await;
    let signed_in = world.sign_in(|plan| {
        plan.claims["org"] = json!({"acme": {"id": "1"}, "umbrella": {}});
        plan.claims["grade"] = json!("e9");
        plan.claims["salary"] = json!(7);
    });
    let identity = signed_in.await.unwrap().identity;
    assert_eq!(identity.organizations, ["acme", "umbrella"]);
    let kept: Vec<_> = identity.attributes.into_iter().collect();
    assert_eq!(kept, [("grade".to_owned(), vec!["e9".to_owned()])]);
}

fn left_out(plan: &mut Plan) {
    plan.claims.as_object_mut().unwrap().remove("groups");
    plan.claims["_claim_names"] = json!({ "groups": "src1" });
    plan.claims["_claim_sources"] = json!({ "src1": { "endpoint": "https://evil.example/" } });
}

fn has_groups(plan: &mut Plan) {
    plan.claims.as_object_mut().unwrap().remove("groups");
    plan.claims["hasgroups"] = json!(true);
}

/// A provider whose operator lets a directory be asked.
async fn with_directory() -> World {
    let directory = Idp::start().await;
    let graph = format!("{}/v1.0", directory.url);
    let change = |config: &mut Config| {
        config.group_overage = GroupOverage::MicrosoftGraph { url: graph };
        config.userinfo = Userinfo::Never;
    };
    World { directory: Some(directory), ..World::with(change).await }
}

fn member(id: &str, kind: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
}

#[tokio::test]
async fn too_many_groups_are_no_sign_in_unless_a_directory_may_be_asked() {
    let world = World::new().await;
    world.works().await;
    for change in [left_out, has_groups] {
        let error = world.sign_in(change).await.unwrap_err();
        assert!(matches!(error, ProviderError::Incomplete(_)), "{error}");
        assert!(error.to_string().contains("group_overage"), "{error}");
    }
    // A token that has its groups lacks nothing.
    world.sign_in(|plan| plan.claims["hasgroups"] = json!(true)).await.unwrap();
    // Nobody misses what is not configured.
    let world = World::with(|config| config.claims.groups = String::new()).await;
    world.sign_in(left_out).await.unwrap();
}

#[tokio::test]
async fn the_directory_is_asked_page_by_page() {
    let world = with_directory().await;
    let graph = world.directory.clone().unwrap();
    let path = "/v1.0/me/transitiveMemberOf";
    let next = format!("{}{path}?$skiptoken=2", graph.url);
    let first = json!({ "value": [member("g1", "group"), member("r1", "directoryRole")],
        "@odata.nextLink": next });
    graph.says_json(path, &first);
    graph.says_json(&format!("{path}?$skiptoken=2"), &json!({ "value": [member("g2", "group")] }));
    for change in [left_out, has_groups] {
        let identity = world.sign_in(change).await.unwrap().identity;
        assert_eq!(identity.groups, ["g1", "g2"]);
    }
    assert_eq!(graph.last(path).authorization.unwrap(), format!("Bearer {ACCESS_TOKEN}"));
}

#[tokio::test]
async fn a_directory_that_does_not_help_is_no_sign_in() {
    let world = with_directory().await;
    let graph = world.directory.clone().unwrap();
    let path = "/v1.0/me/transitiveMemberOf";
    graph.says_json(path, &json!({ "value": [member("g1", "group")] }));
    world.sign_in(left_out).await.unwrap();

    graph.says(path, Canned::text(403, "{}"));
    let error = world.sign_in(left_out).await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
    graph.says(path, Canned::text(503, ""));
    let error = world.sign_in(left_out).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    // The access token goes nowhere else.
    let elsewhere = format!("{}/stolen", world.idp.url);
    graph.says_json(path, &json!({ "value": [], "@odata.nextLink": elsewhere }));
    world.sign_in(left_out).await.unwrap_err();
    assert_eq!(world.idp.count("/stolen"), 0);
    // A chain without end has one.
    let endless = format!("{}{path}", graph.url);
    graph.says_json(path, &json!({ "value": [], "@odata.nextLink": endless }));
    let error = world.sign_in(left_out).await.unwrap_err();
    assert!(matches!(error, ProviderError::Incomplete(_)), "{error}");
}
