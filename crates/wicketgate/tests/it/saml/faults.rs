//! Bad weather: the database or the provider's metadata are away.

use testkit::Engine;

use super::company::{Company, press};
use crate::faults::is_back;
use crate::world::Plan;

/// T-STO-07: while storage is away nothing is used up, and the same answer works afterwards.
#[tokio::test]
async fn t_sto_07_an_answer_survives_an_outage() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let company = Company::start(Plan::on(engine)).await;
        let person = company.world.person();
        let asked = company.leave(&person, &company.world.client().await.ask()).await;
        let response = company.vouches(&asked);
        let before = company.world.dump().await;
        let lock = company.world.database.lock().await;
        let answer = company.post(&asked, &response).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.header("location"), None);
        lock.release().await;
        company.world.is_unchanged_since(&before).await;
        is_back(&company.world).await;
        let back = company.way_back(&company.post(&asked, &response).await);

        let lock = company.world.database.lock().await;
        assert_eq!(person.visit(&back).await.answer.status, 503);
        lock.release().await;
        is_back(&company.world).await;
        assert!(person.visit(&back).await.has_button("decision"), "a reload works");
    }
}

/// A provider whose metadata cannot be had is one that does not answer; nobody leaves.
#[tokio::test]
async fn without_metadata_nobody_leaves() {
    let table = "[[sign_in.provider]]\nid = \"away\"\nname = \"Southwind\"\nkind = \"saml\"\n\
                 metadata_url = \"http://127.0.0.1:9/metadata\"\n";
    let company = Company::with(Plan::sqlite(), "", table).await;
    let world = &company.world;
    let person = world.person();
    let page = person.visit(&world.client().await.ask().url()).await;
    let away = press(&person, &page, "away").await.answer;
    assert_eq!(away.status, 503, "{}", away.body);
    assert!(away.header("retry-after").is_some());
    assert!(away.body.contains("Southwind does not answer"), "{}", away.body);
    assert_eq!(world.dump().await.count("OAUTH_UPSTREAM"), 0);
    assert!(press(&person, &page, "corp").await.left_to.is_some(), "the other one works");
}
