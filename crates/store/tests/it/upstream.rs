//! People who are away at a provider, and what may come back once.

use kernel::Hashed;
use model::UpstreamSignIn;
use model::authorization::BrowserBinding;
use store::unit::{
    AnswerUpstream, AnswerUpstreamOutcome, BeginOutcome, BeginUpstream, OneTime, PutBackUpstream,
    RejectUpstream, ResumeOutcome, Room, SignIn, SignInOutcome, TakeUpstream, TakeUpstreamOutcome,
};

use crate::support::race::RACERS;
use crate::support::story::{secret, sign_in};
use crate::support::{Database, NOW, Story, on_each_database, race};

/// Somebody who leaves for the provider `corp`.
pub(crate) fn away(browser: &Hashed<BrowserBinding>) -> UpstreamSignIn {
    UpstreamSignIn {
        state: secret().hash(),
        provider: "corp".into(),
        browser: browser.clone(),
        handle: Some(secret().hash()),
        pending_sealed: "sealed nonce and verifier".into(),
        answer_sealed: None,
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
    }
}

async fn begin(db: &Database) -> UpstreamSignIn {
    let away = away(&secret().hash());
    let unit = BeginUpstream { sign_in: away.clone(), source: String::new(), room: Room::of(1000) };
    assert_eq!(db.store.write(unit).await.unwrap(), BeginOutcome::Begun);
    away
}

fn take(away: &UpstreamSignIn) -> TakeUpstream {
    TakeUpstream {
        state: away.state.clone(),
        provider: away.provider.clone(),
        browser: Some(away.browser.clone()),
        now: NOW,
    }
}

fn answer(away: &UpstreamSignIn, assertion: &str) -> AnswerUpstream {
    AnswerUpstream {
        state: away.state.clone(),
        provider: away.provider.clone(),
        answer_sealed: format!("sealed {assertion}"),
        one_time_id: assertion.to_owned(),
        one_time_expires_at: NOW.plus_seconds(300),
        now: NOW,
    }
}

async fn find(db: &Database, away: &UpstreamSignIn) -> Option<UpstreamSignIn> {
    let mut reader = db.replica.read().await.unwrap();
    store::upstream::find(reader.conn(), &away.state).await.unwrap()
}

/// T-CB-04: the same state again finds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn t_cb_04_a_state_works_once() {
    on_each_database(async |db| {
        let away = begin(db).await;
        let taken = TakeUpstreamOutcome::Taken(Box::new(away.clone()));
        assert_eq!(db.store.write(take(&away)).await.unwrap(), taken);
        assert_eq!(db.store.write(take(&away)).await.unwrap(), TakeUpstreamOutcome::Gone);
        assert_eq!(find(db, &away).await, None);
    })
    .await;
}

/// T-CB-04: of many who bring it at once, one gets it.
#[tokio::test(flavor = "multi_thread")]
async fn t_cb_04_of_parallel_callbacks_one_gets_the_sign_in() {
    on_each_database(async |db| {
        for _ in 0..8 {
            let away = begin(db).await;
            let outcomes = race(db, |_| take(&away)).await;
            let gone = outcomes.iter().filter(|o| **o == TakeUpstreamOutcome::Gone).count();
            assert_eq!(gone, RACERS - 1, "{outcomes:?}");
        }
    })
    .await;
}

/// T-CB-01, A10: another browser gets nothing, and the sign-in is over for the first one, too:
/// somebody else has seen the address. So is the authorization that it was for, and it is on record.
#[tokio::test(flavor = "multi_thread")]
async fn a10_another_browser_gets_nothing_and_ends_it() {
    on_each_database(async |db| {
        for browser in [Some(secret().hash()), None] {
            let story = Story::begin(db).await;
            let asked = story.ask().await;
            let sign_in =
                UpstreamSignIn { handle: Some(asked.handle.clone()), ..away(&asked.browser) };
            let unit = BeginUpstream {
                sign_in: sign_in.clone(),
                source: String::new(),
                room: Room::of(1000),
            };
            db.store.write(unit).await.unwrap();
            let before = rejections(db).await;
            let outcomes =
                race(db, |_| TakeUpstream { browser: browser.clone(), ..take(&sign_in) });
            let refused = outcomes.await;
            let told = refused.iter().filter(|o| **o == TakeUpstreamOutcome::OtherBrowser).count();
            assert_eq!(told, 1, "{refused:?}");
            let first = db.store.write(take(&sign_in)).await.unwrap();
            assert_eq!(first, TakeUpstreamOutcome::Gone);
            let resume = db.store.write(story.resume(&asked)).await.unwrap();
            assert_eq!(resume, ResumeOutcome::Completed);
            assert_eq!(rejections(db).await, before + 1);
        }
    })
    .await;
}

/// A10: an answer that is not believed is on record; what anybody can send again is there once.
#[tokio::test(flavor = "multi_thread")]
async fn a10_a_rejected_answer_is_on_record_once() {
    on_each_database(async |db| {
        let once = OneTime {
            purpose: "answer rejected".into(),
            id: "a sign-in".into(),
            expires_at: NOW.plus_seconds(60),
        };
        let unit = |_| RejectUpstream {
            provider: "corp".into(),
            reason: "a signature is wrong".into(),
            once: Some(once.clone()),
            now: NOW,
        };
        race(db, unit).await;
        assert_eq!(rejections(db).await, 1);
    })
    .await;
}

async fn rejections(db: &Database) -> i64 {
    db.number("SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'upstream.rejected'").await
}

/// T-CB-03, T-CB-17 and mix-up: unknown, expired and another provider's are all gone, whichever
/// browser asks, and nothing is consumed.
#[tokio::test(flavor = "multi_thread")]
async fn t_cb_03_unknown_expired_and_other_providers_are_gone() {
    on_each_database(async |db| {
        let away = begin(db).await;
        let late = NOW.plus_seconds(600);
        let gone = [
            TakeUpstream { state: secret().hash(), ..take(&away) },
            TakeUpstream { now: late, ..take(&away) },
            TakeUpstream { provider: "other".into(), ..take(&away) },
            TakeUpstream { now: late, browser: Some(secret().hash()), ..take(&away) },
            TakeUpstream {
                provider: "other".into(),
                browser: Some(secret().hash()),
                ..take(&away)
            },
        ];
        for unit in gone {
            assert_eq!(db.store.write(unit).await.unwrap(), TakeUpstreamOutcome::Gone);
        }
        assert_eq!(find(db, &away).await, Some(away));
    })
    .await;
}

/// Trouble at the provider consumes nothing: the row is as it was, with its end.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_back_can_be_taken_once_more() {
    on_each_database(async |db| {
        let away = begin(db).await;
        db.store.write(answer(&away, "a1")).await.unwrap();
        let TakeUpstreamOutcome::Taken(taken) = db.store.write(take(&away)).await.unwrap() else {
            panic!("nobody else took it")
        };
        assert_eq!(taken.answer_sealed.as_deref(), Some("sealed a1"));
        race(db, |_| PutBackUpstream { sign_in: (*taken).clone() }).await;
        assert_eq!(find(db, &away).await.as_ref(), Some(&*taken));
        let again = TakeUpstreamOutcome::Taken(taken);
        assert_eq!(db.store.write(take(&away)).await.unwrap(), again);
    })
    .await;
}

/// The bound on who may be away; those whose time is up do not count.
#[tokio::test(flavor = "multi_thread")]
async fn t_dos_people_who_are_away_are_bounded() {
    on_each_database(async |db| {
        let leave = |seconds| {
            let mut sign_in = away(&secret().hash());
            sign_in.created_at = NOW.plus_seconds(seconds);
            sign_in.expires_at = NOW.plus_seconds(seconds + 600);
            sign_in.handle = None;
            BeginUpstream { sign_in, source: String::new(), room: Room::of(2) }
        };
        for expected in [BeginOutcome::Begun, BeginOutcome::Begun, BeginOutcome::TooMany] {
            assert_eq!(db.store.write(leave(0)).await.unwrap(), expected);
        }
        let mut reader = db.store.read().await.unwrap();
        assert_eq!(store::upstream::count_open(reader.conn(), NOW).await.unwrap(), 2);
        drop(reader);
        assert_eq!(db.store.write(leave(600)).await.unwrap(), BeginOutcome::Begun);
    })
    .await;
}

/// T-CB-20: an answer waits for the browser that began. The first answer stays.
#[tokio::test(flavor = "multi_thread")]
async fn t_cb_20_the_first_answer_waits_for_the_browser() {
    on_each_database(async |db| {
        let away = begin(db).await;
        let outcome = db.store.write(answer(&away, "a1")).await.unwrap();
        assert_eq!(outcome, AnswerUpstreamOutcome::Answered);
        let outcome = db.store.write(answer(&away, "a2")).await.unwrap();
        assert_eq!(outcome, AnswerUpstreamOutcome::Gone);
        let found = find(db, &away).await.unwrap();
        assert_eq!(found.answer_sealed.as_deref(), Some("sealed a1"));
        let a2 = "SELECT COUNT(*) FROM OAUTH_REPLAY";
        assert_eq!(db.number(a2).await, 1, "the second was not used up");
    })
    .await;
}

/// T-SAML-24, T-CON-12: one assertion posted many times at once answers once, and the others are
/// seen as what they are.
#[tokio::test(flavor = "multi_thread")]
async fn t_saml_24_of_parallel_posts_of_one_assertion_one_answers() {
    on_each_database(async |db| {
        for round in 0..8 {
            let away = begin(db).await;
            let outcomes = race(db, |_| answer(&away, &format!("a{round}"))).await;
            let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
            assert_eq!(count(AnswerUpstreamOutcome::Answered), 1, "{outcomes:?}");
            assert_eq!(count(AnswerUpstreamOutcome::Replayed), RACERS - 1, "{outcomes:?}");
        }
    })
    .await;
}

/// T-SAML-24: the same assertion answers one sign-in, however many wait; the others wait on.
#[tokio::test(flavor = "multi_thread")]
async fn t_saml_24_one_assertion_answers_one_of_many_sign_ins() {
    on_each_database(async |db| {
        let mut waiting = Vec::new();
        for _ in 0..RACERS {
            waiting.push(begin(db).await);
        }
        let outcomes = race(db, |racer| answer(&waiting[racer], "a1")).await;
        let answered = |o: &&AnswerUpstreamOutcome| **o == AnswerUpstreamOutcome::Answered;
        assert_eq!(outcomes.iter().filter(answered).count(), 1, "{outcomes:?}");
        let with_answer = "SELECT COUNT(*) FROM OAUTH_UPSTREAM WHERE answer_sealed IS NOT NULL";
        assert_eq!(db.number(with_answer).await, 1);
        let replayed = "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'upstream.replayed'";
        assert_eq!(db.number(replayed).await, i64::try_from(RACERS - 1).unwrap());
        // Another provider's assertion of the same id is another assertion.
        let mut elsewhere = away(&secret().hash());
        elsewhere.provider = "other".into();
        let unit = BeginUpstream {
            sign_in: elsewhere.clone(),
            source: String::new(),
            room: Room::of(1000),
        };
        db.store.write(unit).await.unwrap();
        let outcome = db.store.write(answer(&elsewhere, "a1")).await.unwrap();
        assert_eq!(outcome, AnswerUpstreamOutcome::Answered);
    })
    .await;
}

/// An answer that nobody waits for changes nothing and is not used up.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waits_for_is_not_used_up() {
    on_each_database(async |db| {
        let away = begin(db).await;
        let before = db.dump().await;
        let gone = [
            AnswerUpstream { state: secret().hash(), ..answer(&away, "a1") },
            AnswerUpstream { provider: "other".into(), ..answer(&away, "a1") },
            AnswerUpstream { now: NOW.plus_seconds(600), ..answer(&away, "a1") },
        ];
        for unit in gone {
            assert_eq!(db.store.write(unit).await.unwrap(), AnswerUpstreamOutcome::Gone);
        }
        assert_eq!(db.dump().await, before);
        let outcome = db.store.write(answer(&away, "a1")).await.unwrap();
        assert_eq!(outcome, AnswerUpstreamOutcome::Answered);
    })
    .await;
}

/// T-CON-11: a portal's token signs in once, whichever replica it reaches; of whatever length its
/// id is.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_11_a_one_time_token_signs_in_once() {
    on_each_database(async |db| {
        let token = OneTime {
            purpose: "portal_token:portal".into(),
            id: "j".repeat(100_000),
            expires_at: NOW.plus_seconds(60),
        };
        let outcomes =
            race(db, |_| SignIn { one_time: Some(token.clone()), ..sign_in("ada") }).await;
        let replayed = outcomes.iter().filter(|o| **o == SignInOutcome::Replayed).count();
        assert_eq!(replayed, RACERS - 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 1);
        let other = OneTime { purpose: "portal_token:other".into(), ..token };
        let unit = SignIn { one_time: Some(other), ..sign_in("ada") };
        assert!(matches!(db.store.write(unit).await.unwrap(), SignInOutcome::SignedIn(_)));
    })
    .await;
}
