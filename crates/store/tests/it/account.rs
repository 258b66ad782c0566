//! Local accounts.

use model::account::LockPolicy;
use model::device::{DEVICE_LIFETIME_SECONDS, DeviceSecret, NewDevice};
use model::{Account, AccountId, AuditKind};
use store::unit::{
    AccountOutcome, AddAccount, AddAccountOutcome, Claimed, DisableAccount, EnableAccount,
    SetPassword, SetTotp, SettleSignIn, SettleSignInOutcome, SignIn, SignInOutcome, Typed,
};

use crate::support::race::RACERS;
use crate::support::story::{id, secret, sign_in};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

const POLICY: LockPolicy =
    LockPolicy { free_attempts: 2, first_lock_seconds: 10, longest_lock_seconds: 60 };

/// The account of a person, as an operator makes it.
pub(crate) fn account(username: &str) -> Account {
    Account {
        id: id(),
        username: username.into(),
        password_hash: "$argon2id$v=19$first".into(),
        name: "Ada".into(),
        email: Some("ada@example.com".into()),
        groups: vec!["staff".into()],
        failed_attempts: 0,
        locked_until: None,
        totp_sealed: None,
        totp_step: 0,
        disabled_at: None,
        created_at: NOW,
        password_changed_at: NOW,
    }
}

pub(crate) async fn added(db: &Database, totp_sealed: Option<&str>) -> Account {
    let account = Account { totp_sealed: totp_sealed.map(str::to_owned), ..account("ada") };
    let outcome = db.store.write(AddAccount { account: account.clone() }).await.unwrap();
    assert_eq!(outcome, AddAccountOutcome::Added);
    account
}

pub(crate) async fn found(db: &Database, id: &AccountId) -> Account {
    let mut reader = db.replica.read().await.unwrap();
    store::account::find_by_id(reader.conn(), id).await.unwrap().unwrap()
}

/// Something that a stranger typed.
pub(crate) fn settle(seen: &Account, typed: Typed) -> SettleSignIn {
    SettleSignIn {
        who: Claimed::Account(Box::new(seen.clone())),
        typed,
        device: None,
        remember: NewDevice {
            hash: secret::<DeviceSecret>().hash(),
            expires_at: NOW.plus_seconds(DEVICE_LIFETIME_SECONDS),
        },
        policy: POLICY,
        now: NOW,
    }
}

fn fail(account: &Account) -> SettleSignIn {
    settle(account, Typed::WrongPassword)
}

fn accept(seen: &Account, totp_step: Option<i64>) -> SettleSignIn {
    let typed = totp_step.map_or(Typed::RightPassword, |step| Typed::RightCode { step });
    settle(seen, typed)
}

/// Whether somebody was kept out.
fn is_refused(outcome: &SettleSignInOutcome) -> bool {
    matches!(outcome, SettleSignInOutcome::Refused { .. })
}

/// The person of the account in a browser.
fn sign_in_of(account: &Account) -> SignIn {
    let mut unit = sign_in(account.id.as_str());
    unit.identity.provider = "local".into();
    unit
}

fn set_password(username: &str) -> SetPassword {
    SetPassword {
        username: username.into(),
        password_hash: "$argon2id$v=19$second".into(),
        provider: "local".into(),
        now: NOW.plus_seconds(5),
    }
}

async fn kinds(db: &Database, kind: AuditKind) -> usize {
    let mut reader = db.store.read().await.unwrap();
    let events = store::audit::tail(reader.conn(), 500).await.unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

/// Of many accounts of one name that are made at once there is one, and it is found as it was made.
#[tokio::test(flavor = "multi_thread")]
async fn a_username_is_given_once() {
    on_each_database(async |db| {
        let outcomes = race(db, |_| AddAccount { account: account("ada") }).await;
        let added = outcomes.iter().filter(|o| **o == AddAccountOutcome::Added).count();
        assert_eq!(added, 1, "{outcomes:?}");
        assert_eq!(kinds(db, AuditKind::AccountAdded).await, 1);
        let bob = Account { email: None, groups: vec![], ..account("bob") };
        db.store.write(AddAccount { account: bob.clone() }).await.unwrap();

        let mut reader = db.replica.read().await.unwrap();
        let conn = reader.conn();
        assert_eq!(store::account::find(conn, "bob").await.unwrap(), Some(bob.clone()));
        assert_eq!(store::account::find_by_id(conn, &bob.id).await.unwrap(), Some(bob));
        assert_eq!(store::account::find(conn, "Bob").await.unwrap(), None);
        let listed = store::account::list(conn).await.unwrap();
        let names: Vec<_> = listed.iter().map(|account| account.username.as_str()).collect();
        assert_eq!(names, ["ada", "bob"]);
    })
    .await;
}

/// T-LOGIN-03: wrong attempts lock, longer each time, and a right password during the lock is
/// refused; after it, it is right and everything starts anew.
#[tokio::test(flavor = "multi_thread")]
async fn t_login_03_wrong_attempts_lock_and_a_right_one_starts_anew() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let refused = |attempts, seconds: Option<i64>| SettleSignInOutcome::Refused {
            attempts,
            locked_until: seconds.map(|seconds| NOW.plus_seconds(seconds)),
        };
        let expected =
            [refused(1, None), refused(2, None), refused(3, Some(10)), refused(4, Some(20))];
        for outcome in expected {
            assert_eq!(db.store.write(fail(&account)).await.unwrap(), outcome);
        }
        assert_eq!(kinds(db, AuditKind::SignInFailed).await, 4);
        assert_eq!(kinds(db, AuditKind::AccountLocked).await, 2);

        let seen = found(db, &account.id).await;
        assert!(seen.is_locked(NOW) && !seen.is_locked(NOW.plus_seconds(20)));
        let during = db.store.write(accept(&seen, None)).await.unwrap();
        assert_eq!(during, refused(4, None), "a right password locks nothing");
        let after = SettleSignIn { now: NOW.plus_seconds(20), ..accept(&seen, None) };
        assert_eq!(db.store.write(after).await.unwrap(), SettleSignInOutcome::Accepted);
        assert_eq!(found(db, &account.id).await, account);
        let gone = Account { id: id(), ..account.clone() };
        assert_eq!(db.store.write(fail(&gone)).await.unwrap(), refused(0, None));
    })
    .await;
}

/// T-LOGIN-03: guesses that are sent all at once are counted one by one, and the right one among
/// them is not accepted once a wrong one was counted.
#[tokio::test(flavor = "multi_thread")]
async fn t_login_03_parallel_guesses_gain_nothing() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        race(db, |_| fail(&account)).await;
        let racers = i64::try_from(RACERS).unwrap();
        assert_eq!(found(db, &account.id).await.failed_attempts, racers);
        // This guess was right, but its password was checked before the others were counted.
        let later = NOW.plus_seconds(60);
        let guess = SettleSignIn { now: later, ..accept(&account, None) };
        assert!(is_refused(&db.store.write(guess).await.unwrap()));
    })
    .await;
}

/// People who sign in twice at once, both with the right password, both get in.
#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_do_not_hinder_each_other() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        db.store.write(fail(&account)).await.unwrap();
        let seen = found(db, &account.id).await;
        let outcomes = race(db, |_| accept(&seen, None)).await;
        assert!(outcomes.iter().all(|o| *o == SettleSignInOutcome::Accepted), "{outcomes:?}");
    })
    .await;
}

/// RFC 6238 §5.2: a one-time code works once, and none that is older than it.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_works_once() {
    on_each_database(async |db| {
        let account = added(db, Some("sealed secret")).await;
        for step in [1000, 1001] {
            let outcomes = race(db, |_| accept(&account, Some(step))).await;
            let refused = outcomes.iter().filter(|outcome| is_refused(outcome)).count();
            assert_eq!(refused, RACERS - 1, "{outcomes:?}");
        }
        let older = db.store.write(accept(&account, Some(1000))).await.unwrap();
        assert!(is_refused(&older));
        assert_eq!(found(db, &account.id).await.totp_step, 1001);
    })
    .await;
}

/// An account with codes is never accepted without one, nor one without codes with some code; also
/// if the secret was set while the password was being checked.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_cannot_be_left_out() {
    on_each_database(async |db| {
        let plain = added(db, None).await;
        let with_code = db.store.write(accept(&plain, Some(1000))).await.unwrap();
        assert!(is_refused(&with_code));
        let set = |totp_sealed: Option<&str>| SetTotp {
            username: "ada".into(),
            totp_sealed: totp_sealed.map(str::to_owned),
            now: NOW,
        };
        let outcome = db.store.write(set(Some("sealed secret"))).await.unwrap();
        assert_eq!(outcome, AccountOutcome::Changed(plain.id.clone()));
        let secured = found(db, &plain.id).await;
        let without = db.store.write(accept(&plain, None)).await.unwrap();
        assert!(is_refused(&without));
        let without = db.store.write(accept(&secured, None)).await.unwrap();
        assert_eq!(without, SettleSignInOutcome::NeedsCode);
        let right = db.store.write(accept(&secured, Some(1000))).await.unwrap();
        assert_eq!(right, SettleSignInOutcome::Accepted);
        // Another secret: the code of the one before is nothing.
        db.store.write(set(Some("another secret"))).await.unwrap();
        let old_code = db.store.write(accept(&secured, Some(1001))).await.unwrap();
        assert!(is_refused(&old_code));
        db.store.write(set(None)).await.unwrap();
        let right = db.store.write(accept(&plain, None)).await.unwrap();
        assert_eq!(right, SettleSignInOutcome::Accepted);
        let nobody = SetTotp { username: "bob".into(), ..set(None) };
        assert_eq!(db.store.write(nobody).await.unwrap(), AccountOutcome::Unknown);
    })
    .await;
}

/// A new password ends the lock and the sessions that the old one gave, but no grant, and the old
/// one is worth nothing even if it was being checked at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        let account = added(db, None).await;
        story.sign_in(sign_in_of(&account)).await;
        let session = story.session.clone();
        let others = "SELECT COUNT(*) FROM OAUTH_SESSION";
        let sessions = db.number(others).await;
        let grant = story.granted().await.grant;
        for _ in 0..4 {
            db.store.write(fail(&account)).await.unwrap();
        }
        let outcome = db.store.write(set_password("ada")).await.unwrap();
        assert_eq!(outcome, AccountOutcome::Changed(account.id.clone()));
        let changed = found(db, &account.id).await;
        assert_eq!(changed.password_hash, "$argon2id$v=19$second");
        assert_eq!(changed.password_changed_at, NOW.plus_seconds(5));
        assert_eq!((changed.failed_attempts, changed.locked_until), (0, None));
        let mut reader = db.store.read().await.unwrap();
        assert_eq!(store::session::find(reader.conn(), &session, NOW).await.unwrap(), None);
        drop(reader);
        assert_eq!(db.number(others).await, sessions - 1, "other people stay signed in");
        assert!(!story.is_revoked(&grant.id).await);
        let old = db.store.write(accept(&account, None)).await.unwrap();
        assert!(is_refused(&old));
        let nobody = db.store.write(set_password("bob")).await.unwrap();
        assert_eq!(nobody, AccountOutcome::Unknown);
    })
    .await;
}

/// A disabled account gets nobody in, and its person has nothing left; enabling it brings nothing
/// back but the right to sign in.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_has_nothing_left() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        let account = added(db, None).await;
        let ada_of_the_demo = story.granted().await.grant;
        story.sign_in(sign_in_of(&account)).await;
        let grant = story.granted().await.grant;
        let disable = |username: &str| DisableAccount {
            username: username.into(),
            provider: "local".into(),
            now: NOW,
        };
        let outcome = db.store.write(disable("ada")).await.unwrap();
        assert_eq!(outcome, AccountOutcome::Changed(account.id.clone()));
        assert!(story.is_revoked(&grant.id).await);
        assert!(!story.is_revoked(&ada_of_the_demo.id).await);
        let refused = db.store.write(accept(&account, None)).await.unwrap();
        assert!(is_refused(&refused));
        let refused = db.store.write(sign_in_of(&account)).await.unwrap();
        assert_eq!(refused, SignInOutcome::Disabled);
        assert_eq!(found(db, &account.id).await.disabled_at, Some(NOW));
        let unknown = db.store.write(disable("bob")).await.unwrap();
        assert_eq!(unknown, AccountOutcome::Unknown);

        let enable = EnableAccount { username: "ada".into(), provider: "local".into(), now: NOW };
        db.store.write(enable).await.unwrap();
        assert_eq!(found(db, &account.id).await, account);
        let right = db.store.write(accept(&account, None)).await.unwrap();
        assert_eq!(right, SettleSignInOutcome::Accepted);
        let back = db.store.write(sign_in_of(&account)).await.unwrap();
        assert!(matches!(back, SignInOutcome::SignedIn(_)));
        assert!(story.is_revoked(&grant.id).await);
        check_invariants(db).await;
    })
    .await;
}
