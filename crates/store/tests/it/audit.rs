//! The record: one row for each event, in order, joined by ids, and read page by page.

use kernel::Timestamp;
use model::audit::authorization_id;
use model::{Actor, AuditEvent, AuditKind, RevocationReason};
use store::unit::{RecordCalls, RevokeGrant};

use crate::support::story::secret;
use crate::support::{Database, NOW, Story, on_each_database};

const BEGINNING: Timestamp = Timestamp::from_millis(i64::MIN);
const END: Timestamp = Timestamp::from_millis(i64::MAX);

/// Everything on record, read in pages of about so many.
async fn all(db: &Database, about: u32) -> Vec<AuditEvent> {
    let (mut after, mut events) = (BEGINNING, Vec::new());
    loop {
        let mut reader = db.store.read().await.unwrap();
        let page = store::audit::page_after(reader.conn(), after, END, about).await.unwrap();
        let Some(last) = page.last() else { return events };
        after = last.event.at;
        events.extend(page.into_iter().map(|record| record.event));
    }
}

/// LG-1, LG-4, T-LOG-04: a story leaves exactly one record of each event, in order although all of it
/// happens at one moment, and what belongs together can be joined.
#[tokio::test(flavor = "multi_thread")]
async fn t_log_04_a_story_is_told_in_order_and_can_be_joined() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let begun = all(db, 100).await.len();
        let authorization = story.at_consent().await;
        let approve = story.approve(&authorization);
        let code = approve.code.hash.clone();
        db.store.write(approve).await.unwrap();
        let redeem = story.redeem(&code);
        let (grant, parent) = (redeem.grant_id.clone(), redeem.refresh.clone().unwrap().hash);
        db.store.write(redeem).await.unwrap();
        story.belongs(&parent, &grant);
        db.store.write(story.rotate(&parent, &secret().hash(), NOW)).await.unwrap();
        let reason = RevocationReason::Administrative;
        let revoke = RevokeGrant { grant: grant.clone(), reason, now: NOW };
        db.store.write(revoke).await.unwrap();

        let events = all(db, 100).await.split_off(begun);
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        let [started, approved, redeemed, rotated, revoked] = &events[..] else {
            panic!("{kinds:?}")
        };
        assert_eq!(
            kinds,
            [
                AuditKind::AuthorizationStarted,
                AuditKind::ConsentApproved,
                AuditKind::CodeRedeemed,
                AuditKind::RefreshRotated,
                AuditKind::GrantRevoked,
            ]
        );
        let id = Some(authorization_id(&authorization.handle));
        for event in [started, approved, redeemed] {
            assert_eq!(event.authorization, id, "{event:?}");
            assert!(!authorization.handle.as_str().eq(event.authorization.as_ref().unwrap()));
        }
        for event in [redeemed, rotated, revoked] {
            assert_eq!(event.grant.as_ref(), Some(&grant), "{event:?}");
        }
        for event in [approved, redeemed, rotated, revoked] {
            assert!(event.subject.is_some(), "{event:?}");
        }
        for event in &events {
            assert_eq!(event.resource.as_deref(), Some("https://mcp.example.com/mcp"));
        }
        assert_eq!(redeemed.token.as_deref(), Some("token-0"));
        assert_eq!(rotated.token.as_deref(), Some("token-1"));
        let actors = events.iter().map(AuditEvent::actor).collect::<Vec<_>>();
        let (client, person) = (Actor::Client, Actor::Person);
        assert_eq!(actors, [client, person, client, client, Actor::Operator]);
    })
    .await;
}

/// No record is left out or told twice, whatever the size of a page, forwards and backwards, although
/// many belong to one moment.
#[tokio::test(flavor = "multi_thread")]
async fn pages_leave_nothing_out() {
    on_each_database(async |db| {
        let event = |number: i64| AuditEvent {
            detail: number.to_string(),
            ..AuditEvent::new(AuditKind::SignedIn, NOW.plus_seconds(number / 7))
        };
        for chunk in 0..10 {
            let events = (chunk * 300..(chunk + 1) * 300).map(event).collect();
            db.store.write(RecordCalls { events }).await.unwrap();
        }
        let expected: Vec<_> = (0..3_000).map(event).collect();
        for about in [1, 2, 7, 100, 10_000] {
            let found = all(db, about).await;
            assert!(found == expected, "pages of {about}: {} of {}", found.len(), expected.len());
        }
        let (mut before, mut backwards) = (END, Vec::new());
        loop {
            let mut reader = db.store.read().await.unwrap();
            let conn = reader.conn();
            let page = store::audit::page_before(conn, before, NOW.plus_seconds(1), 50).await;
            let page = page.unwrap();
            let Some(first) = page.first() else { break };
            assert!(page.len() < 50 + 7, "a page is bounded: {}", page.len());
            before = first.event.at;
            backwards.extend(page.into_iter().rev().map(|record| record.event));
        }
        backwards.reverse();
        assert!(backwards == expected[7..], "{}", backwards.len());
        assert_eq!(
            store::audit::tail(db.store.read().await.unwrap().conn(), 2).await.unwrap(),
            [event(2_999), event(2_998),]
        );
    })
    .await;
}
