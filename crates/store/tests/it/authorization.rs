//! Authorizations in progress: begun, resumed, approved or denied.

use model::Stage;
use store::unit::{
    Approve, ApproveOutcome, BeginAuthorization, BeginOutcome, Deny, DenyOutcome, EndSession,
    ResumeAuthorization, ResumeOutcome, Room,
};

use crate::support::race::RACERS;
use crate::support::story::{authorization, secret, sign_in};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

async fn stage(db: &Database, of: &model::Authorization) -> Stage {
    let mut reader = db.replica.read().await.unwrap();
    store::authorization::find(reader.conn(), &of.handle).await.unwrap().unwrap().stage
}

/// AZ-6, AZ-11: the request is stored as it was frozen.
#[tokio::test(flavor = "multi_thread")]
async fn az_6_an_authorization_is_found_as_it_was_frozen() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.ask().await;
        let mut reader = db.replica.read().await.unwrap();
        let found = store::authorization::find(reader.conn(), &asked.handle).await.unwrap();
        assert_eq!(found, Some(asked));
        let nothing = store::authorization::find(reader.conn(), &secret().hash()).await.unwrap();
        assert_eq!(nothing, None);
    })
    .await;
}

/// T-AZ-28: open authorizations are bounded; expired ones do not count.
#[tokio::test(flavor = "multi_thread")]
async fn t_az_28_open_authorizations_are_bounded() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let unit = || BeginAuthorization {
            authorization: authorization(&story.client, &story.browser),
            source: String::new(),
            room: Room::of(1),
        };
        assert_eq!(db.store.write(unit()).await.unwrap(), BeginOutcome::Begun);
        assert_eq!(db.store.write(unit()).await.unwrap(), BeginOutcome::TooMany);
        let mut later = unit();
        later.authorization.created_at = NOW.plus_seconds(600);
        later.authorization.expires_at = NOW.plus_seconds(1200);
        assert_eq!(db.store.write(later).await.unwrap(), BeginOutcome::Begun);
        let mut reader = db.store.read().await.unwrap();
        let open = store::authorization::count_open(reader.conn(), NOW).await.unwrap();
        assert_eq!(open, 2);
    })
    .await;
}

/// T-CON-11: one bridge token, sent to two replicas at once, is accepted once.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_11_a_bridge_token_works_once() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.ask().await;
        let unit = story.resume(&asked);
        let outcomes = race(db, |_| unit.clone()).await;
        let resumed = outcomes.iter().filter(|o| **o == ResumeOutcome::Resumed).count();
        let replayed = outcomes.iter().filter(|o| **o == ResumeOutcome::Replayed).count();
        assert_eq!((resumed, replayed), (1, RACERS - 1));
        let expected = Stage::Resumed {
            subject: story.person.id.clone(),
            authenticated_at: NOW,
            session: Some(story.session.clone()),
        };
        assert_eq!(stage(db, &asked).await, expected);
    })
    .await;
}

/// AZ-7, AZ-9: each reason for which nobody comes back.
#[tokio::test(flavor = "multi_thread")]
async fn az_7_only_the_own_browser_resumes_and_only_in_time() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.ask().await;
        let gone = [
            ResumeAuthorization { browser: secret().hash(), ..story.resume(&asked) },
            ResumeAuthorization { handle: secret().hash(), ..story.resume(&asked) },
            ResumeAuthorization { now: asked.expires_at, ..story.resume(&asked) },
            ResumeAuthorization { session: secret().hash(), ..story.resume(&asked) },
        ];
        for unit in gone {
            assert_eq!(db.store.write(unit).await.unwrap(), ResumeOutcome::Gone);
        }
        assert_eq!(stage(db, &asked).await, Stage::Pending);
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        let disabled = story.resume(&asked);
        assert_eq!(db.store.write(disabled).await.unwrap(), ResumeOutcome::Gone);
    })
    .await;
}

/// Another person may sign in before the answer; then only that one can approve.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_inherited_from_the_person_before() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        let asked = story.at_consent().await;
        let as_ada = story.approve(&asked);
        story.sign_in(sign_in("bob")).await;
        let resume = story.resume(&asked);
        assert_eq!(db.store.write(resume).await.unwrap(), ResumeOutcome::Resumed);
        assert_eq!(db.store.write(as_ada).await.unwrap(), ApproveOutcome::Gone);
        let as_bob = story.approve(&asked);
        assert_eq!(db.store.write(as_bob).await.unwrap(), ApproveOutcome::Approved);
        let resume = story.resume(&asked);
        assert_eq!(db.store.write(resume).await.unwrap(), ResumeOutcome::Completed);
        check_invariants(db).await;
    })
    .await;
}

/// One double-clicked approval makes one code.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_approvals_make_one_code() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.at_consent().await;
        let outcomes = race(db, |_| story.approve(&asked)).await;
        let approved = outcomes.iter().filter(|o| **o == ApproveOutcome::Approved).count();
        let completed = outcomes.iter().filter(|o| **o == ApproveOutcome::Completed).count();
        assert_eq!((approved, completed), (1, RACERS - 1));
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_CODE").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_CONSENT").await, 1);
        check_invariants(db).await;
    })
    .await;
}

/// CO-8 and T-CON-10's rule: approve against deny has one final state.
#[tokio::test(flavor = "multi_thread")]
async fn co_8_approve_and_deny_race_to_one_answer() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..8 {
            let asked = story.at_consent().await;
            let deny = story.deny(&asked);
            let approvals = race(db, |_| story.approve(&asked));
            let denials = race(db, |_| deny.clone());
            let (approvals, denials) = futures_util::future::join(approvals, denials).await;
            let approved = approvals.iter().filter(|o| **o == ApproveOutcome::Approved).count();
            let denied = denials.iter().filter(|o| **o == DenyOutcome::Denied).count();
            assert_eq!(approved + denied, 1);
            let expected = if approved == 1 { Stage::Approved } else { Stage::Denied };
            assert_eq!(stage(db, &asked).await, expected);
        }
        check_invariants(db).await;
    })
    .await;
}

/// CO-8: a refusal stands, and only the own browser can refuse.
#[tokio::test(flavor = "multi_thread")]
async fn co_8_a_refusal_is_final() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.at_consent().await;
        let stranger = Deny { browser: secret().hash(), ..story.deny(&asked) };
        assert_eq!(db.store.write(stranger).await.unwrap(), DenyOutcome::Gone);
        let late = Deny { now: asked.expires_at, ..story.deny(&asked) };
        assert_eq!(db.store.write(late).await.unwrap(), DenyOutcome::Gone);
        let own = story.deny(&asked);
        assert_eq!(db.store.write(own.clone()).await.unwrap(), DenyOutcome::Denied);
        assert_eq!(db.store.write(own).await.unwrap(), DenyOutcome::Completed);
        let approve = story.approve(&asked);
        assert_eq!(db.store.write(approve).await.unwrap(), ApproveOutcome::Completed);
        let resume = story.resume(&asked);
        assert_eq!(db.store.write(resume).await.unwrap(), ResumeOutcome::Completed);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_CODE").await, 0);
    })
    .await;
}

/// AZ-11, TC-6: a code comes only of what was asked, from the person who was asked, in time.
#[tokio::test(flavor = "multi_thread")]
async fn az_11_an_approval_must_fit_the_frozen_request() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.at_consent().await;
        let mut wrong = Vec::new();
        let mut change = |meddle: &dyn Fn(&mut Approve)| {
            let mut unit = story.approve(&asked);
            meddle(&mut unit);
            wrong.push(unit);
        };
        change(&|unit| unit.browser = secret().hash());
        change(&|unit| unit.handle = secret().hash());
        change(&|unit| unit.now = asked.expires_at);
        change(&|unit| unit.session = secret().hash());
        change(&|unit| unit.code.client = model::ClientId::from_text("cli_other"));
        change(&|unit| {
            unit.code.redirect_uri =
                protocol::RedirectUri::from_stored("http://127.0.0.1:1/cb").unwrap();
        });
        change(&|unit| {
            unit.code.resource = protocol::ResourceUri::parse("https://other.example").unwrap();
        });
        for unit in wrong {
            assert_eq!(db.store.write(unit).await.unwrap(), ApproveOutcome::Gone);
        }
        let pending = story.ask().await;
        let unasked = db.store.write(story.approve(&pending)).await.unwrap();
        assert_eq!(unasked, ApproveOutcome::Gone, "nobody came back yet");
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        let disabled = story.approve(&asked);
        assert_eq!(db.store.write(disabled).await.unwrap(), ApproveOutcome::Gone);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_CODE").await, 0);
    })
    .await;
}

/// A8: the decision belongs to the session that was asked. Once it is over, on whichever replica,
/// nobody allows or refuses anything with it; a new session of the same person has to be asked.
#[tokio::test(flavor = "multi_thread")]
async fn a8_a_session_that_ended_decides_nothing() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        let asked = story.at_consent().await;
        let (approve, deny) = (story.approve(&asked), story.deny(&asked));
        let end = EndSession { hash: story.session.clone(), now: NOW };
        db.replica.write(end).await.unwrap();
        assert_eq!(db.store.write(approve).await.unwrap(), ApproveOutcome::Gone);
        assert_eq!(db.store.write(deny).await.unwrap(), DenyOutcome::Gone);

        story.sign_in(sign_in("ada")).await;
        let not_asked = story.approve(&asked);
        assert_eq!(db.store.write(not_asked).await.unwrap(), ApproveOutcome::Gone);
        let not_asked = story.deny(&asked);
        assert_eq!(db.store.write(not_asked).await.unwrap(), DenyOutcome::Gone);
        db.store.write(story.resume(&asked)).await.unwrap();
        let approve = story.approve(&asked);
        assert_eq!(db.store.write(approve).await.unwrap(), ApproveOutcome::Approved);
    })
    .await;
}

/// A8: of a decision and the end of its session one comes first, and then the other knows.
#[tokio::test(flavor = "multi_thread")]
async fn a8_signing_out_and_allowing_race_to_one_order() {
    on_each_database(async |db| {
        for _ in 0..8 {
            let story = Story::begin(db).await;
            let asked = story.at_consent().await;
            let end = race(db, |_| EndSession { hash: story.session.clone(), now: NOW });
            let approvals = race(db, |_| story.approve(&asked));
            let (_, approvals) = futures_util::future::join(end, approvals).await;
            let approved = approvals.iter().filter(|o| **o == ApproveOutcome::Approved).count();
            let codes = i64::from(approved == 1);
            assert!(approved <= 1);
            let left = db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await;
            assert_eq!(left, 0, "the session is over");
            assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_CODE").await, codes);
            db.meddle("DELETE FROM OAUTH_CODE").await;
        }
    })
    .await;
}

/// A7: whoever asks for a new sign-in, or a young one, gets no older one, whichever way the person
/// comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a7_an_old_sign_in_does_not_resume_what_asks_for_a_new_one() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let mut asked = authorization(&story.client, &story.browser);
        asked.request.authenticated_after = NOW.plus_seconds(1);
        let begin = BeginAuthorization {
            authorization: asked.clone(),
            source: String::new(),
            room: Room::of(10),
        };
        db.store.write(begin).await.unwrap();
        assert_eq!(db.store.write(story.resume(&asked)).await.unwrap(), ResumeOutcome::Gone);
        assert_eq!(stage(db, &asked).await, Stage::Pending);
        let new = NOW.plus_seconds(1);
        let fresh = ResumeAuthorization { authenticated_at: new, ..story.resume(&asked) };
        assert_eq!(db.store.write(fresh).await.unwrap(), ResumeOutcome::Resumed);
    })
    .await;
}

/// A4: whoever fills the room from one network leaves some for others, and nobody else's is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a4_one_network_does_not_keep_the_others_out() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let begin = async |source: &str| {
            let authorization = authorization(&story.client, &story.browser);
            let room = Room::of(50);
            let unit = BeginAuthorization { authorization, source: source.to_owned(), room };
            db.store.write(unit).await.unwrap()
        };
        for _ in 0..50 {
            assert_eq!(begin("flood").await, BeginOutcome::Begun);
        }
        assert_eq!(begin("flood").await, BeginOutcome::TooMany);
        assert_eq!(begin("honest").await, BeginOutcome::Begun);
        assert_eq!(begin("flood").await, BeginOutcome::TooMany);
        for other in ["b", "c", "d", "e"] {
            assert_eq!(begin(other).await, BeginOutcome::Begun);
        }
        assert_eq!(begin("f").await, BeginOutcome::TooMany, "there is an end");
    })
    .await;
}
