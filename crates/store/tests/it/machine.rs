//! Clients that act for themselves.

use kernel::Id;
use model::{ClientId, Grant, RevocationReason, SubjectId};
use protocol::{ResourceUri, Scopes};
use store::unit::{
    AuthorizeMachine, AuthorizeMachineOutcome, DisablePerson, EnablePerson, RevokeGrant,
};

use crate::support::{NOW, on_each_database, race};

fn unit(number: usize) -> AuthorizeMachine {
    AuthorizeMachine {
        client: ClientId::from_text("robot"),
        name: "Robot".to_owned(),
        resource: ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
        scopes: Scopes::READ,
        issued: Scopes::READ,
        grant_id: Id::from_stored(format!("grt_{number}")),
        token: "token".to_owned(),
        now: NOW,
    }
}

#[track_caller]
fn grant(outcome: AuthorizeMachineOutcome) -> Grant {
    match outcome {
        AuthorizeMachineOutcome::Authorized(grant) => *grant,
        AuthorizeMachineOutcome::Disabled => panic!("it is enabled"),
    }
}

/// CC-2: whoever asks first, at whichever replica, there is one grant, and one bit.
#[tokio::test(flavor = "multi_thread")]
async fn cc_2_many_at_once_share_one_grant() {
    on_each_database(async |db| {
        let outcomes = race(db, unit).await;
        let grants: Vec<_> = outcomes.into_iter().map(grant).collect();
        assert!(grants.iter().all(|one| one.id == grants[0].id), "{grants:?}");
        assert!(grants[0].is_of_a_machine());
        let mut reader = db.store.read().await.unwrap();
        let all = store::grant::of_machines_between(reader.conn(), 0, 1000).await.unwrap();
        assert_eq!(all, grants[..1]);
        assert_eq!(store::grant::of_machines_between(reader.conn(), 1, 9).await.unwrap(), []);
    })
    .await;
}

/// CC-2: more goes into the grant that there is; less ends it, and what was issued with it.
#[tokio::test(flavor = "multi_thread")]
async fn cc_2_the_operator_gives_more_and_less() {
    on_each_database(async |db| {
        let more = AuthorizeMachine { scopes: Scopes::ALL, ..unit(2) };
        let first = grant(db.store.write(unit(1)).await.unwrap());
        let extended = grant(db.store.write(more).await.unwrap());
        assert_eq!((&extended.id, extended.scopes), (&first.id, Scopes::ALL));
        let less = grant(db.store.write(unit(3)).await.unwrap());
        assert_ne!(less.id, first.id);
        let mut reader = db.replica.read().await.unwrap();
        let ended = store::grant::find(reader.conn(), &first.id).await.unwrap().unwrap();
        assert_eq!(ended.revoked, Some((NOW, RevocationReason::Reassigned)));
        let other = ResourceUri::parse("https://mcp.example.com/mcp/other").unwrap();
        let elsewhere = AuthorizeMachine { resource: other, ..unit(4) };
        assert_ne!(grant(db.store.write(elsewhere).await.unwrap()).id, less.id);
    })
    .await;
}

/// CA-8, GR-4: a revoked grant is not used again, and a disabled machine gets none.
#[tokio::test(flavor = "multi_thread")]
async fn ca_8_revoked_and_disabled() {
    on_each_database(async |db| {
        let first = grant(db.store.write(unit(1)).await.unwrap());
        let reason = RevocationReason::Administrative;
        let revoke = RevokeGrant { grant: first.id.clone(), reason, now: NOW };
        db.store.write(revoke).await.unwrap();
        let second = grant(db.store.write(unit(2)).await.unwrap());
        assert_ne!(second.id, first.id);
        let subject: SubjectId = Id::from_stored("robot");
        let disable = DisablePerson { subject: subject.clone(), now: NOW };
        db.store.write(disable).await.unwrap();
        let refused = db.store.write(unit(3)).await.unwrap();
        assert_eq!(refused, AuthorizeMachineOutcome::Disabled);
        let mut reader = db.store.read().await.unwrap();
        let ended = store::grant::find(reader.conn(), &second.id).await.unwrap().unwrap();
        assert_eq!(ended.revoked, Some((NOW, reason)));
        drop(reader);
        db.store.write(EnablePerson { subject, now: NOW }).await.unwrap();
        grant(db.store.write(unit(4)).await.unwrap());
    })
    .await;
}

/// GR-4: of a machine that is disabled while it asks, no live grant is left.
#[tokio::test(flavor = "multi_thread")]
async fn gr_4_disabling_wins_every_race() {
    on_each_database(async |db| {
        db.store.write(unit(99)).await.unwrap();
        let subject: SubjectId = Id::from_stored("robot");
        let disabling = db.replica.clone();
        let disable = DisablePerson { subject, now: NOW };
        let (outcomes, disabled) =
            tokio::join!(race(db, unit), async { disabling.write(disable).await });
        disabled.unwrap();
        drop(outcomes);
        let mut reader = db.store.read().await.unwrap();
        let live = store::grant::of_machines_between(reader.conn(), 0, 1000).await.unwrap();
        assert_eq!(live, []);
    })
    .await;
}
