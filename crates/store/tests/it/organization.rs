//! Organizations: who acts for which, and what of it is remembered.

use std::collections::BTreeMap;

use model::{Acting, Subject};
use protocol::identity::Email;
use store::unit::{
    ChooseOrganization, ChooseOrganizationOutcome, RevokeOutcome, RevokeOwnGrant, SignIn,
    SignInOutcome,
};

use crate::support::race::race_units;
use crate::support::story::{id, sign_in};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

fn member_of(organizations: &[&str]) -> SignIn {
    let mut unit = sign_in("ada");
    unit.identity.organizations = organizations.iter().copied().map(str::to_owned).collect();
    unit
}

async fn signed_in(db: &Database, unit: SignIn) -> Subject {
    match db.store.write(unit).await.unwrap() {
        SignInOutcome::SignedIn(subject) => *subject,
        other => panic!("{other:?}"),
    }
}

fn choose(subject: &Subject, organization: &str) -> ChooseOrganization {
    ChooseOrganization { subject: subject.id.clone(), organization: organization.into(), now: NOW }
}

async fn found(db: &Database, subject: &Subject) -> Subject {
    let mut reader = db.replica.read().await.unwrap();
    store::subject::find(reader.conn(), &subject.id).await.unwrap().unwrap()
}

/// T-UP-06: everything that the provider said is kept as it was said, also whether anybody vouches
/// for the address; and all ways to read a person agree.
#[tokio::test(flavor = "multi_thread")]
async fn t_up_06_what_the_provider_said_is_kept_as_it_was_said() {
    on_each_database(async |db| {
        let mut unit = member_of(&["acme \"&\" sons", "glöbex", ","]);
        unit.identity.email = Some(Email { address: "ada@example.com".into(), verified: true });
        unit.identity.attributes = BTreeMap::from([
            ("dep\"t".to_owned(), vec!["42".to_owned(), "\u{1F600}\\".to_owned()]),
            ("none".to_owned(), vec![]),
        ]);
        let subject = signed_in(db, unit.clone()).await;
        assert_eq!(subject.identity, unit.identity);
        assert_eq!(found(db, &subject).await, subject);
        let mut reader = db.store.read().await.unwrap();
        let session = store::session::find(reader.conn(), &unit.session.0, NOW).await.unwrap();
        assert_eq!(session.unwrap().1, subject);
        drop(reader);

        let unverified = Email { address: "ada@example.com".into(), verified: false };
        unit.identity.email = Some(unverified.clone());
        unit.session = sign_in("ada").session;
        let again = signed_in(db, unit).await;
        assert_eq!(again.identity.email, Some(unverified), "it is not verified for ever");
        let story = Story::begin(db).await;
        let refresh = story.granted().await.refresh.hash();
        let mut reader = db.store.read().await.unwrap();
        let read = store::refresh_token::find(reader.conn(), &refresh).await.unwrap().unwrap();
        assert_eq!(read.2, found(db, &subject).await);
    })
    .await;
}

/// A choice is remembered over sign-ins, and means something only while the provider names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_is_remembered_while_the_provider_names_it() {
    on_each_database(async |db| {
        let subject = signed_in(db, member_of(&["acme", "globex"])).await;
        assert!(matches!(subject.acting_for(), Acting::MustChoose(_)));
        let outcome = db.store.write(choose(&subject, "globex")).await.unwrap();
        assert_eq!(outcome, ChooseOrganizationOutcome::Chosen);
        let again = signed_in(db, member_of(&["globex", "acme", "initech"])).await;
        assert_eq!(again.acting_for(), Acting::Organization("globex"));
        let left = signed_in(db, member_of(&["acme", "initech"])).await;
        assert!(matches!(left.acting_for(), Acting::MustChoose(_)));

        let mut reader = db.store.read().await.unwrap();
        let events = store::audit::tail(reader.conn(), 10).await.unwrap();
        let chosen = events.iter().find(|e| e.kind == model::AuditKind::OrganizationChosen);
        let chosen = chosen.unwrap();
        assert_eq!(chosen.organization.as_deref(), Some("globex"));
        assert_eq!(chosen.subject, Some(subject.id));
    })
    .await;
}

/// Only an organization of the person's own can be chosen: none that only looks like one in the
/// stored list, and none by somebody who is disabled or unknown.
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_of_others_cannot_be_chosen() {
    on_each_database(async |db| {
        let subject = signed_in(db, member_of(&["acme", "100%"])).await;
        for other in ["", "globex", "Acme", "acm", "acme ", ",", "\",\"", "%", "1__%", "acme\""] {
            let outcome = db.store.write(choose(&subject, other)).await.unwrap();
            assert_eq!(outcome, ChooseOrganizationOutcome::NotAMember, "{other}");
        }
        let unknown = ChooseOrganization { subject: id(), ..choose(&subject, "acme") };
        let outcome = db.store.write(unknown).await.unwrap();
        assert_eq!(outcome, ChooseOrganizationOutcome::NotAMember);
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        let outcome = db.store.write(choose(&subject, "acme")).await.unwrap();
        assert_eq!(outcome, ChooseOrganizationOutcome::NotAMember);
        assert_eq!(found(db, &subject).await.organization, None);
        let chosen = "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'organization.chosen'";
        assert_eq!(db.number(chosen).await, 0);
    })
    .await;
}

/// A sign-in that takes the membership away and a choice of it, at once: if the choice came after,
/// it was refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_races_with_the_end_of_the_membership() {
    on_each_database(async |db| {
        let subject = signed_in(db, member_of(&["acme", "globex"])).await;
        db.store.write(choose(&subject, "acme")).await.unwrap();
        let choices = race(db, |_| choose(&subject, "globex"));
        let leaving = race_units(db, vec![member_of(&["acme"])]);
        let (choices, left) = tokio::join!(choices, leaving);
        assert!(left[0].is_ok());
        assert!(!choices.is_empty());
        let late = db.store.write(choose(&subject, "globex")).await.unwrap();
        assert_eq!(late, ChooseOrganizationOutcome::NotAMember);
        assert_eq!(found(db, &subject).await.acting_for(), Acting::Organization("acme"));
    })
    .await;
}

/// The organization goes from the consent into code, grant and audit, and nothing later changes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_for_the_organization_of_its_consent() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let none = story.granted().await.grant;
        let mut approve = story.approve(&story.at_consent().await);
        approve.code.organization = Some("acme".into());
        let hash = approve.code.hash.clone();
        db.store.write(approve).await.unwrap();
        let mut reader = db.store.read().await.unwrap();
        let code = store::code::find(reader.conn(), &hash).await.unwrap().unwrap();
        assert_eq!(code.organization.as_deref(), Some("acme"));
        drop(reader);
        let redeem = story.redeem(&hash);
        let refresh = redeem.refresh.clone().unwrap().hash;
        let store::unit::RedeemOutcome::Redeemed(acme) = db.store.write(redeem).await.unwrap()
        else {
            panic!("the code is fresh")
        };
        assert_eq!(acme.organization.as_deref(), Some("acme"));

        let mut reader = db.replica.read().await.unwrap();
        let conn = reader.conn();
        let read = store::refresh_token::find(conn, &refresh).await.unwrap().unwrap();
        assert_eq!(read.1, *acme);
        let events = store::audit::tail(conn, 50).await.unwrap();
        let of_acme = events.iter().filter(|e| e.organization.as_deref() == Some("acme"));
        assert_eq!(of_acme.count(), 2, "consent and redemption");

        // O2: a person's own grants are all listed, whichever organization each is for.
        let listed = store::grant::of_subject(conn, &story.person.id).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&acme) && listed.contains(&none));
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// The newest first, and only what is live and the person's own.
#[tokio::test(flavor = "multi_thread")]
async fn grants_are_listed_newest_first() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let mut grants = Vec::new();
        for _ in 0..3 {
            grants.insert(0, story.granted().await.grant);
        }
        let ended = grants.remove(1);
        let unit = RevokeOwnGrant { grant: ended.id, subject: story.person.id.clone(), now: NOW };
        db.store.write(unit).await.unwrap();
        let mut reader = db.store.read().await.unwrap();
        let conn = reader.conn();
        let listed = store::grant::of_subject(conn, &story.person.id).await.unwrap();
        assert_eq!(listed, grants);
        assert_eq!(store::grant::of_subject(conn, &id()).await.unwrap(), vec![]);
    })
    .await;
}

/// T-ADM-03: somebody else's grant is unknown, whoever asks however often; one's own ends once.
#[tokio::test(flavor = "multi_thread")]
async fn t_adm_03_people_revoke_only_their_own_grants() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let mallory = signed_in(db, sign_in("mallory")).await;
        let grant = story.granted().await.grant;
        let unit = |subject| RevokeOwnGrant { grant: grant.id.clone(), subject, now: NOW };
        let before = db.dump().await;
        let outcome = db.store.write(unit(mallory.id)).await.unwrap();
        assert_eq!(outcome, RevokeOutcome::Unknown);
        let made_up = RevokeOwnGrant { grant: id(), subject: story.person.id.clone(), now: NOW };
        assert_eq!(db.store.write(made_up).await.unwrap(), RevokeOutcome::Unknown);
        assert_eq!(db.dump().await, before);

        let outcomes = race(db, |_| unit(story.person.id.clone())).await;
        let revoked = RevokeOutcome::Revoked { status_index: grant.status_index };
        assert_eq!(outcomes.iter().filter(|o| **o == revoked).count(), 1, "{outcomes:?}");
        assert!(story.is_revoked(&grant.id).await);
        check_invariants(db).await;
    })
    .await;
}
