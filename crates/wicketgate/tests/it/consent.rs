//! The consent page with the sidecar's tools and the operator's words on it.

use serde_json::json;
use testkit::{Client, Tick};

use crate::world::{DESK, Plan, World};

/// CO-3, CO-9, T-CO-07: the page says who asks, who vouches for it, where the answer goes, what it
/// opens, and who decides.
#[tokio::test]
async fn t_co_07_the_page_says_who_asks_and_where_the_answer_goes() {
    let world = World::sqlite().await;
    let metadata = json!({
        "client_name": "Official Google",
        "redirect_uris": ["https://collector.example.net/cb"],
    });
    let client = Client::register_with(&world, &metadata).await;
    let person = world.person();
    let sign_in = person.visit(&client.ask().url()).await;
    let consent = person.sign_in(&client.ask(), "manager").await;
    for page in [&sign_in, &consent] {
        let body = &page.answer.body;
        assert!(body.contains("collector.example.net"), "the host");
        assert!(body.contains("An unverified app"), "nobody vouches for it");
        assert!(body.contains(&world.mcp), "the resource");
    }
    for part in ["Tomás Herrera", "process_pause", "list_requests", "mcp:write"] {
        assert!(consent.answer.body.contains(part), "{part}");
    }
    assert!(!consent.answer.body.contains("admin_list_users"));
}

/// T-CO-07 with the sidecar in a process of its own: the tools are named there, too.
#[tokio::test]
async fn t_co_07_tools_are_named_in_two_processes() {
    let world = Plan::sqlite().apart().start().await;
    let page = world.person().sign_in(&world.client().await.ask(), "manager").await;
    for part in ["process_pause", "list_requests"] {
        assert!(page.answer.body.contains(part), "{part}");
    }
    assert!(!page.answer.body.contains("admin_list_users"));
}

/// O12: the operator's words about scopes stand where a person decides and where the person looks
/// later, in one process and in two; what has none keeps ours.
#[tokio::test]
async fn scopes_are_called_what_the_operator_calls_them() {
    let words = "scope_titles = { \"mcp:read\" = \"Look at  orders\" }\n\
                 scope_texts = { \"mcp:write\" = \"What is placed is <billed>.\" }";
    for plan in [Plan::sqlite(), Plan::sqlite().apart()] {
        let world = plan.server(words).start().await;
        let person = world.person();
        let client = world.client().await;
        let consent = person.sign_in(&client.ask(), "basic").await;
        let body = &consent.answer.body;
        for part in ["Look at orders", "Changes nothing.", "Create and change things"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(body.contains("What is placed is &#60;billed&#62;."), "{body}");
        assert!(!body.contains("Look at things") && !body.contains("as if you had done it"));
        let ask = client.ask();
        let code = person.authorize(&ask, "basic", Tick::All).await.code().to_owned();
        client.exchange(&code, &ask).await;
        let account = person.visit(&world.at("/account")).await;
        assert!(account.answer.body.contains("Look at orders"), "{}", account.answer.body);
        assert!(!account.answer.body.contains("Look at things"));
    }
}

/// A3: a link to this server sends nobody to a self-registered client's address without a click,
/// signed in or not, whatever it asks for; a configured client gets its answer at once.
#[tokio::test]
async fn a3_no_link_leads_to_a_self_registered_client_by_itself() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let world = plan.start().await;
        let client = world.client().await;
        let person = world.person();
        person.sign_in(&client.ask(), "basic").await;
        for (ask, error, status) in [
            (client.ask().set("scope", "mcp:admin"), "access_denied", 403),
            (client.ask().set("prompt", "none"), "consent_required", 200),
            (client.ask().set("resource", "https://other.example"), "invalid_target", 200),
            (client.ask().set("code_challenge", "short"), "invalid_request", 200),
        ] {
            let page = person.visit(&ask.url()).await;
            assert_eq!((page.answer.status, &page.left_to), (status, &None), "{error}");
            assert!(page.answer.body.contains("127.0.0.1"), "the host is named");
            let returned = page.offered_return(&client.redirect_uri);
            assert_eq!(returned.get("error"), Some(error));
        }
        let uri = "https://desk.example.com/cb";
        let ask = testkit::Ask::new(&world.at("/authorize"), DESK, uri, &world.mcp);
        let returned = person.visit(&ask.set("scope", "mcp:admin").url()).await.returned();
        assert_eq!(returned.get("error"), Some("access_denied"));
    }
}
