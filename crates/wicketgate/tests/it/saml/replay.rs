//! An assertion is good once: on every node, after a restart, and however many bring it at once.

use std::sync::Arc;

use testkit::{Engine, Place};
use tokio::task::JoinSet;

use super::company::Company;
use crate::world::Plan;

const MANY: usize = 16;

async fn post_at(place: &Place, response: &str, relay_state: &str) -> u16 {
    let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
    let answer = place.post_form(&place.at("/saml/corp/acs"), &fields).await;
    assert!(answer.status == 303 || answer.header("location").is_none());
    answer.status
}

/// T-SAML-24, SA-10 on SQLite.
#[tokio::test]
async fn t_saml_24_a_replay_on_sqlite() {
    Box::pin(replay(Engine::Sqlite)).await;
}

/// T-SAML-24, SA-10 on PostgreSQL.
#[tokio::test]
async fn t_saml_24_a_replay_on_postgres() {
    Box::pin(replay(Engine::Postgres)).await;
}

async fn replay(engine: Engine) {
    let mut company = Company::start(Plan::on(engine)).await;
    let replica = company.world.replica().await;
    let nodes = [company.world.clone(), replica];
    let client = company.world.client().await;
    let person = company.world.person();
    let asked = company.leave(&person, &client.ask()).await;
    let response = company.says(&asked, "_once", |xml| xml);
    let back = company.way_back(&company.post(&asked, &response).await);

    // Before the browser has fetched it, and afterwards.
    let before = company.world.dump().await;
    for node in &nodes {
        assert_eq!(post_at(node, &response, &asked.relay_state).await, 403);
    }
    let after = company.world.dump().await;
    before.equals_but(&after, &["OAUTH_AUDIT", "OAUTH_REPLAY"]);
    assert_eq!(after.count_with("OAUTH_AUDIT", "kind=upstream.replayed"), 2);
    assert!(person.visit(&back).await.has_button("decision"));
    for node in &nodes {
        assert_eq!(post_at(node, &response, &asked.relay_state).await, 400);
    }

    // For a new sign-in: the same answer, and the same assertion made to fit.
    let victim = company.world.person();
    let again = company.leave(&victim, &client.ask()).await;
    let fitted = company.says(&again, "_once", |xml| xml);
    let before = company.world.dump().await;
    for node in &nodes {
        for copy in [&response, &fitted] {
            assert_eq!(post_at(node, copy, &again.relay_state).await, 403);
        }
    }
    let after = company.world.dump().await;
    before.equals_but(&after, &["OAUTH_AUDIT", "OAUTH_REPLAY"]);
    // The first copy does not fit this request; the other would, but for its assertion.
    assert_eq!(after.count_with("OAUTH_AUDIT", "kind=upstream.replayed"), 4);

    let company = company.restart("").await;
    for copy in [&response, &fitted] {
        assert_eq!(company.post(&again, copy).await.status, 403, "after a restart");
    }
    let after = company.world.dump().await;
    before.equals_but(&after, &["OAUTH_AUDIT", "OAUTH_REPLAY"]);
    assert_eq!(after.count_with("OAUTH_AUDIT", "kind=upstream.replayed"), 5);
    let victim = company.again(&victim);
    let consent = company.arrive(&victim, &again, &company.vouches(&again)).await;
    assert!(consent.has_button("decision"), "who waits is not disturbed: {}", consent.answer.body);
}

/// T-SAML-24, T-CON-11: the same answer many times at once, at two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_saml_24_many_copies_at_once_on_sqlite() {
    many_copies(Engine::Sqlite).await;
}

/// T-SAML-24, T-CON-11 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_saml_24_many_copies_at_once_on_postgres() {
    many_copies(Engine::Postgres).await;
}

async fn many_copies(engine: Engine) {
    let mut company = Company::start(Plan::on(engine)).await;
    let nodes = [company.world.clone(), company.world.replica().await];
    let client = company.world.client().await;
    for round in 1..=3 {
        let person = Arc::new(company.world.person());
        let asked = company.leave(&person, &client.ask()).await;
        let response: Arc<str> = company.vouches(&asked).into();
        let mut racing = JoinSet::new();
        for number in 0..MANY {
            let (node, state) = (nodes[number % 2].clone(), asked.relay_state.clone());
            let response = Arc::clone(&response);
            racing.spawn(async move { post_at(&node, &response, &state).await });
        }
        assert_eq!(sorted(racing).await, one_and_the_rest(303, 403), "round {round}");
        let dump = company.world.dump().await;
        assert_eq!(dump.count("OAUTH_REPLAY"), round);
        let kept =
            dump.count("OAUTH_UPSTREAM") - dump.count_with("OAUTH_UPSTREAM", "answer_sealed=NULL");
        assert_eq!(kept, 1);
        let replays = dump.count_with("OAUTH_AUDIT", "kind=upstream.replayed");
        assert_eq!(replays, round * (MANY - 1));

        // The browser comes back as often: one of them signs in.
        let mut racing = JoinSet::new();
        for number in 0..MANY {
            let state = &asked.relay_state;
            let url = nodes[number % 2].at(&format!("/sign-in/corp/callback?state={state}"));
            let person = Arc::clone(&person);
            racing.spawn(async move { person.get_once(&url).await.status });
        }
        assert_eq!(sorted(racing).await, one_and_the_rest(303, 400), "round {round}");
        assert_eq!(company.world.dump().await.count("OAUTH_SESSION"), round);
    }
}

/// T-SAML-24: one assertion for many sign-ins at once, each of which it would fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_saml_24_one_assertion_for_many_at_once_on_sqlite() {
    one_assertion_for_many(Engine::Sqlite).await;
}

/// T-SAML-24 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_saml_24_one_assertion_for_many_at_once_on_postgres() {
    one_assertion_for_many(Engine::Postgres).await;
}

async fn one_assertion_for_many(engine: Engine) {
    let mut company = Company::start(Plan::on(engine)).await;
    let nodes = [company.world.clone(), company.world.replica().await];
    let client = company.world.client().await;
    let mut waiting = Vec::new();
    for _ in 0..MANY {
        waiting.push(company.leave(&company.world.person(), &client.ask()).await);
    }
    let mut racing = JoinSet::new();
    for (number, asked) in waiting.into_iter().enumerate() {
        let node = nodes[number % 2].clone();
        let response = company.says(&asked, "_same", |xml| xml);
        racing.spawn(async move { post_at(&node, &response, &asked.relay_state).await });
    }
    assert_eq!(sorted(racing).await, one_and_the_rest(303, 403));
    let dump = company.world.dump().await;
    assert_eq!(dump.count("OAUTH_REPLAY"), 1);
    assert_eq!(dump.count_with("OAUTH_UPSTREAM", "answer_sealed=NULL"), MANY - 1);
    assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=upstream.replayed"), MANY - 1);
}

async fn sorted(racing: JoinSet<u16>) -> Vec<u16> {
    let mut statuses = racing.join_all().await;
    statuses.sort_unstable();
    statuses
}

fn one_and_the_rest(one: u16, rest: u16) -> Vec<u16> {
    let mut statuses = vec![rest; MANY - 1];
    statuses.push(one);
    statuses.sort_unstable();
    statuses
}
