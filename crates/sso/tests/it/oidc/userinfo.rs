//! The userinfo endpoint, and what of it counts.

use super::idp::Canned;
use super::world::{ACCESS_TOKEN, World};
use serde_json::{Value, json};
use sso::ProviderError;
use sso::oidc::Userinfo;

fn without(claim: &'static str) -> impl Fn(&mut super::world::Plan) {
    move |plan| {
        plan.claims.as_object_mut().unwrap().remove(claim).unwrap();
    }
}

#[tokio::test]
async fn it_is_asked_for_what_the_id_token_lacks() {
    let world = World::new().await;
    let sub = "248289761001";
    let full =
        json!({ "sub": sub, "groups": "one", "name": "Somebody else", "email": "x@y.example" });
    world.idp.says_json("/userinfo", &full);
    let identity = world.sign_in(without("groups")).await.unwrap().identity;
    assert_eq!(identity.groups, ["one"]);
    assert_eq!(identity.name, "Ada Lovelace", "the ID token is signed and wins");
    assert_eq!(identity.verified_email(), Some("ada@example.com"));
    let bearer = world.idp.last("/userinfo").authorization.unwrap();
    assert_eq!(bearer, format!("Bearer {ACCESS_TOKEN}"));

    let never = World::with(|config| config.userinfo = Userinfo::Never).await;
    assert!(never.sign_in(without("groups")).await.unwrap().identity.groups.is_empty());
    assert_eq!(never.idp.count("/userinfo"), 0);

    let always = World::with(|config| config.userinfo = Userinfo::Always).await;
    always.works().await;
    assert_eq!(always.idp.count("/userinfo"), 1);
}

#[tokio::test]
async fn t_up_04_userinfo_about_somebody_else_is_refused() {
    let world = World::with(|config| config.userinfo = Userinfo::Always).await;
    world.works().await;
    for wrong in [json!({"sub": "somebody else"}), json!({}), json!({"sub": null})] {
        world.idp.says_json("/userinfo", &wrong);
        world.rejects("another sub", |_| {}).await;
    }
}

/// The same digits are another value; the operator reads which side has to change.
#[tokio::test]
async fn a_number_and_a_text_as_sub_are_told_apart() {
    let world = World::with(|config| config.userinfo = Userinfo::Always).await;
    world.idp.says_json("/userinfo", &json!({"sub": 248_289_761_001_i64}));
    world.rejects("a number there and a text in the ID token", |_| {}).await;
    world.idp.says_json("/userinfo", &json!({"sub": 7}));
    let error = world.sign_in(|_| {}).await.unwrap_err();
    assert!(!error.to_string().contains("number"), "{error}");
}

#[tokio::test]
async fn t_up_06_only_a_boolean_true_makes_an_address_verified() {
    let world = World::with(|config| config.domains = vec!["ours.example".to_owned()]).await;
    let verified = async |address: &str, said: Option<Value>| {
        let signed_in = world.sign_in(|plan| {
            let claims = plan.claims.as_object_mut().unwrap();
            claims.insert("email".to_owned(), json!(address));
            claims.remove("email_verified");
            if let Some(said) = said {
                claims.insert("email_verified".to_owned(), said);
            }
        });
        signed_in.await.unwrap().identity.email.unwrap().verified
    };
    assert!(verified("a@other.example", Some(json!(true))).await);
    assert!(verified("a@ours.example", None).await, "the operator vouches for the domain");
    assert!(!verified("a@other.example", None).await);
    for no in [json!("true"), json!("false"), json!(false), json!(1), Value::Null] {
        assert!(!verified("a@ours.example", Some(no.clone())).await, "{no}");
    }
}

/// Whoever says that an address is verified must have named that address.
#[tokio::test]
async fn t_up_06_verified_counts_for_the_address_it_stands_by() {
    let world = World::with(|config| config.userinfo = Userinfo::Always).await;
    let of = async |userinfo: Value| {
        world.idp.says_json("/userinfo", &userinfo);
        let signed_in = world.sign_in(without("email_verified")).await.unwrap();
        signed_in.identity.email.unwrap()
    };
    let sub = "248289761001";
    let same = of(json!({"sub": sub, "email": "ada@example.com", "email_verified": true})).await;
    assert!(same.verified);
    let other = of(json!({"sub": sub, "email": "eve@example.com", "email_verified": true})).await;
    assert_eq!((other.address.as_str(), other.verified), ("ada@example.com", false));
    let bare = of(json!({"sub": sub, "email_verified": true})).await;
    assert!(!bare.verified);
}

#[tokio::test]
async fn trouble_there_is_told_apart() {
    let world = World::with(|config| config.userinfo = Userinfo::Always).await;
    world.works().await;
    let fails = async |canned: Canned| {
        world.idp.says("/userinfo", canned);
        world.sign_in(|_| {}).await.unwrap_err()
    };
    assert!(matches!(fails(Canned::text(500, "x")).await, ProviderError::Unavailable(_)));
    assert!(matches!(fails(Canned::text(200, "<html>")).await, ProviderError::Unavailable(_)));
    assert!(matches!(fails(Canned::text(403, "x")).await, ProviderError::Misconfigured(_)));
    let headers = vec![("content-type", "application/jwt; charset=utf-8".to_owned())];
    let signed = Canned { headers, ..Canned::text(200, "a.b.c") };
    let error = fails(signed).await;
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
}
