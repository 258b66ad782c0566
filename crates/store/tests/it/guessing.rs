//! What holds back those who guess at local accounts, in whichever browser (A2, A11).

use kernel::{Hashed, Timestamp};
use model::Account;
use model::device::{DEVICE_FAILURES_A_DAY, DEVICE_LIFETIME_SECONDS, DeviceSecret};
use store::unit::{
    Claimed, CollectGarbage, DisableAccount, SetPassword, SetTotp, SettleSignIn,
    SettleSignInOutcome, Typed,
};

use crate::account::{added, found, settle};
use crate::support::race::{RACERS, race_units};
use crate::support::{Database, NOW, on_each_database};

const DAY: i64 = 86_400;

/// Signs in and returns what the browser keeps.
async fn known_browser(db: &Database, account: &Account) -> Hashed<DeviceSecret> {
    let unit = settle(account, Typed::RightPassword);
    let device = unit.remember.hash.clone();
    assert_eq!(db.store.write(unit).await.unwrap(), SettleSignInOutcome::Accepted);
    device
}

async fn locked(db: &Database, account: &Account) -> Account {
    for _ in 0..4 {
        db.store.write(settle(account, Typed::WrongPassword)).await.unwrap();
    }
    found(db, &account.id).await
}

fn at(now: Timestamp, device: &Hashed<DeviceSecret>, unit: SettleSignIn) -> SettleSignIn {
    SettleSignIn { now, device: Some(device.clone()), ..unit }
}

async fn gets_in(db: &Database, unit: SettleSignIn) -> bool {
    db.store.write(unit).await.unwrap() == SettleSignInOutcome::Accepted
}

/// A2: strangers do not keep the person out of a browser in which they signed in before; but that
/// browser has a count of its own, and beyond it the lock holds for it as for any other.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_known_browser_may_fail_a_hundred_times_a_day() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let device = known_browser(db, &account).await;
        for _ in 0..DEVICE_FAILURES_A_DAY - 1 {
            db.store.write(at(NOW, &device, settle(&account, Typed::WrongPassword))).await.unwrap();
        }
        let seen = found(db, &account.id).await;
        assert!(seen.is_locked(NOW));
        let right = || settle(&seen, Typed::RightPassword);
        assert!(!gets_in(db, right()).await, "a stranger");
        let once = at(NOW, &device, right());
        let device = once.remember.hash.clone();
        assert!(gets_in(db, once).await, "the ninety-ninth failure is not the end");

        // Signing in gave the browser another secret and no new count.
        let seen = locked(db, &account).await;
        let right = || settle(&seen, Typed::RightPassword);
        db.store.write(at(NOW, &device, settle(&seen, Typed::WrongPassword))).await.unwrap();
        assert!(!gets_in(db, at(NOW, &device, right())).await, "a hundred failures");
        let day_later = NOW.plus_seconds(DAY);
        assert!(gets_in(db, at(day_later, &device, right())).await, "the next day");
    })
    .await;
}

/// A2: the right guess among many that a known browser sends at once is worth no more than among
/// as many one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a2_guesses_sent_at_once_gain_nothing_in_a_known_browser() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let device = known_browser(db, &account).await;
        let seen = locked(db, &account).await;
        let sql = format!(
            "UPDATE OAUTH_DEVICE SET failed_attempts = {}, counted_since = {}",
            DEVICE_FAILURES_A_DAY - 1,
            NOW.as_millis()
        );
        db.meddle(sql).await;
        let wrong = || Ok::<_, ()>(at(NOW, &device, settle(&seen, Typed::WrongPassword)));
        let units = (0..RACERS).map(|_| wrong().unwrap()).collect();
        race_units(db, units).await;
        assert!(!gets_in(db, at(NOW, &device, settle(&seen, Typed::RightPassword))).await);
        let counted = db.number("SELECT failed_attempts FROM OAUTH_DEVICE").await;
        assert_eq!(counted, DEVICE_FAILURES_A_DAY - 1 + i64::try_from(RACERS).unwrap());
    })
    .await;
}

/// A2: whatever the browser's cookie says, after ninety days it is like any other, and its row goes.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_browser_is_known_for_ninety_days() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let device = known_browser(db, &account).await;
        let end = NOW.plus_seconds(DEVICE_LIFETIME_SECONDS);
        let far = i64::MAX;
        db.meddle(format!("UPDATE OAUTH_ACCOUNT SET locked_until = {far}")).await;
        let seen = found(db, &account.id).await;
        let right = || settle(&seen, Typed::RightPassword);
        assert!(!gets_in(db, at(end, &device, right())).await);
        let sweep = CollectGarbage { now: end, batch: 10 };
        assert_eq!(db.store.write(sweep).await.unwrap().devices, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_DEVICE").await, 0);
    })
    .await;
}

/// A2: another password, other one-time codes or a disabled account: no browser is known any more.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_changed_factor_ends_known_browsers() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let known = async || {
            let seen = found(db, &account.id).await;
            let device = known_browser(db, &seen).await;
            assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_DEVICE").await, 1);
            device
        };
        let device = known().await;
        let password = SetPassword {
            username: "ada".into(),
            password_hash: "$argon2id$v=19$second".into(),
            provider: "local".into(),
            now: NOW,
        };
        db.store.write(password).await.unwrap();
        let seen = locked(db, &found(db, &account.id).await).await;
        assert!(!gets_in(db, at(NOW, &device, settle(&seen, Typed::RightPassword))).await);
        db.meddle("UPDATE OAUTH_ACCOUNT SET locked_until = NULL, failed_attempts = 0").await;
        known().await;
        let codes = |totp_sealed| SetTotp { username: "ada".into(), totp_sealed, now: NOW };
        db.store.write(codes(Some("sealed".into()))).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_DEVICE").await, 0);
        db.store.write(codes(None)).await.unwrap();
        known().await;
        let disable = DisableAccount { username: "ada".into(), provider: "local".into(), now: NOW };
        db.store.write(disable).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_DEVICE").await, 0);
    })
    .await;
}

/// A2: one-time codes are capped for the account, whatever the browser; a code that is right does
/// not get in beyond the cap, and nothing but ten quiet minutes ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a2_ten_wrong_codes_end_codes_for_ten_minutes() {
    on_each_database(async |db| {
        let account = added(db, Some("sealed secret")).await;
        let first = settle(&account, Typed::RightCode { step: 100 });
        let device = first.remember.hash.clone();
        assert!(gets_in(db, first).await);
        let wrong = |_| at(NOW, &device, settle(&account, Typed::WrongCode));
        race_units(db, (0..RACERS).map(wrong).collect()).await;
        assert_eq!(db.number("SELECT code_failures FROM OAUTH_ACCOUNT").await, 10);

        let seen = found(db, &account.id).await;
        let code = |seconds, step| {
            let now = NOW.plus_seconds(seconds);
            at(now, &device, settle(&seen, Typed::RightCode { step }))
        };
        assert!(!gets_in(db, code(0, 101)).await, "the known browser is no way around");
        let wrong_again = at(NOW.plus_seconds(599), &device, settle(&seen, Typed::WrongCode));
        db.store.write(wrong_again).await.unwrap();
        assert!(!gets_in(db, code(599, 101)).await);
        assert!(gets_in(db, code(600, 101)).await, "guesses beyond the cap do not prolong it");
    })
    .await;
}

/// A2: the oldest browsers give way, so that signing in again and again fills nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a2_an_account_has_few_known_browsers() {
    on_each_database(async |db| {
        let account = added(db, None).await;
        let mut devices = Vec::new();
        for second in 0..60 {
            let unit = settle(&account, Typed::RightPassword);
            devices.push(unit.remember.hash.clone());
            let unit = SettleSignIn { now: NOW.plus_seconds(second), ..unit };
            assert!(gets_in(db, unit).await);
        }
        let kept = db.number("SELECT COUNT(*) FROM OAUTH_DEVICE").await;
        assert!((50..=51).contains(&kept), "{kept}");
        let newest = devices.last().unwrap().as_str();
        assert!(db.dump().await.contains(newest));
        assert!(!db.dump().await.contains(devices[0].as_str()));
    })
    .await;
}

/// A11: to fail at a name that nobody has, with a wrong password, and with the right one while the
/// account is locked, each writes: one counter, and one row that says so.
#[tokio::test(flavor = "multi_thread")]
async fn a11_every_failure_writes_as_much() {
    on_each_database(async |db| {
        let account = locked(db, &added(db, None).await).await;
        let nobody = Claimed::Nobody { username: "eve".into() };
        let rows =
            "SELECT (SELECT COUNT(*) FROM OAUTH_AUDIT) + (SELECT COUNT(*) FROM OAUTH_REPLAY)";
        for (what, unit) in [
            ("unknown", SettleSignIn { who: nobody, ..settle(&account, Typed::WrongPassword) }),
            ("right, locked", settle(&account, Typed::RightPassword)),
            (
                "wrong",
                SettleSignIn {
                    policy: model::account::LockPolicy::DEFAULT,
                    ..settle(&account, Typed::WrongPassword)
                },
            ),
        ] {
            let before = db.number(rows).await;
            assert!(!gets_in(db, unit).await, "{what}");
            assert_eq!(db.number(rows).await, before + 1, "{what}");
        }
        let sql = "SELECT value FROM OAUTH_SEQUENCE WHERE name = 'unknown_names'";
        assert_eq!(db.number(sql).await, 1);
        assert_eq!(db.number("SELECT failed_attempts FROM OAUTH_ACCOUNT").await, 5);
    })
    .await;
}
