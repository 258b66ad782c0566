//! A person's provider, asked again when a client refreshes, says no: the sidecar knows at once.

use serde_json::json;
use testkit::{Client, Era, McpCaller, Tokens};

use crate::providers::Company;
use crate::world::Plan;

const ASKING: &str = "scopes = [\"openid\", \"offline_access\"]\nrecheck_seconds = 60\n\
                      claims = { organization = \"orgs\" }";

async fn company(plan: Plan) -> Company {
    Company::start(plan, ASKING, "").await
}

/// Ada, with one client.
async fn connected(company: &Company, groups: &[&str]) -> (Client, Tokens) {
    let client = company.world.client().await;
    let ada = json!({ "sub": "ada", "name": "Ada", "groups": groups, "orgs": ["acme"] });
    let tokens = company.connect(&company.world.person(), &client, ada).await;
    (client, tokens)
}

async fn next(client: &Client, tokens: &Tokens) -> Tokens {
    Tokens::of(&client.refresh(&tokens.refresh).await)
}

/// The provider's no ends all that the person has: sessions, every client's grant, and at once what
/// the sidecar would have let through. Signing in again begins anew.
#[tokio::test]
async fn a_refusal_ends_what_the_person_has() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = company(plan).await;
        let (client, tokens) = connected(&company, &["staff"]).await;
        let (other, others) = connected(&company, &["staff"]).await;
        let caller = McpCaller::new(&company.world, &others.access, Era::Stateless);
        assert_eq!(caller.ask("tools/list", json!({})).await.status, 200);
        company.idp.withdraw();
        company.world.clock.advance_seconds(60);
        client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
        assert_eq!(company.idp.refreshes(), 1);
        let dump = company.world.dump().await;
        assert_eq!(dump.count("OAUTH_SESSION"), 0);
        assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=provider_refused"), 2);
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=provider.refused"), 1);
        assert_eq!(dump.values("OAUTH_SUBJECT", "upstream_refresh_sealed"), ["NULL"]);
        other.refresh(&others.refresh).await.refuses(400, "invalid_grant");
        assert_eq!(caller.ask("tools/list", json!({})).await.status, 401);
        assert_eq!(company.idp.refreshes(), 1, "there is nothing to ask with");
        let (client, tokens) = connected(&company, &["staff"]).await;
        company.world.clock.advance_seconds(60);
        next(&client, &tokens).await;
    }
}
