//! SIGHUP: MCP servers that come, change and go while the process runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use testkit::{Ask, Client, Era, McpCaller, Person, Place, Secret, Tick, Tokens};
use tokio::time::{sleep, timeout};

use crate::world::{DESK, Plan, Process};

const SERVER: &str = "[[mcp.server]]";

/// Without its second server.
fn alone(text: &str) -> String {
    text[..text.rfind(SERVER).expect("two servers")].to_owned()
}

/// Waits until the log has so many lines with this text.
async fn said(process: &Process, text: &str, count: usize) {
    let there = async {
        while process.log().matches(text).count() < count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let said = timeout(Duration::from_secs(20), there).await;
    assert!(said.is_ok(), "{text:?} is not in the log:\n{}", process.log());
}

/// Gives the process another file and waits until it was read.
async fn reload(process: &Process, text: &str, outcome: &str) {
    let before = process.log().matches(outcome).count();
    process.configure(text);
    process.hang_up();
    said(process, outcome, before + 1).await;
}

/// The second server, at the authorization server of this place.
fn second(place: &Place) -> Place {
    Place::new(&place.issuer, &format!("{}/second", place.mcp))
}

/// Where the second server says who its authorization server is (RFC 9728 §3.1).
fn metadata(place: &Place) -> String {
    let url = url::Url::parse(&place.mcp).expect("a URL");
    let origin = url.origin().ascii_serialization();
    format!("{origin}/.well-known/oauth-protected-resource{}", url.path())
}

/// Somebody signs in for the server of this place and lists its tools.
async fn connects(place: &Place) -> (Client, Tokens) {
    let found = place.get(&metadata(place)).await;
    assert_eq!(found.status, 200, "{}", found.body);
    assert_eq!(found.json()["resource"], place.mcp);
    let client = Client::register(place).await;
    let ask = client.ask();
    let returned = Person::new(place).authorize(&ask, "basic", Tick::All).await;
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    assert_eq!(call(place, &tokens).await, 200);
    (client, tokens)
}

/// The status of a call of a tool.
async fn call(place: &Place, tokens: &Tokens) -> u16 {
    let caller = McpCaller::new(place, &tokens.access, Era::Stateless);
    caller.call("list_requests", json!({})).await.status
}

/// What the authorization server says to a request for a resource that is not there.
async fn refusal(place: &Place) -> String {
    let desk = Client::configured(place, DESK, Secret::None, "https://desk.example.com/cb");
    let page = Person::new(place).visit(&desk.ask().url()).await;
    page.left_to.expect("back to the client")
}

/// The second server is served by nobody.
async fn is_gone(place: &Place, client: &Client, tokens: &Tokens) {
    assert_eq!(place.get(&metadata(place)).await.status, 404);
    assert_eq!(call(place, tokens).await, 401, "its token is for nothing");
    let refreshed = client.refresh(&tokens.refresh).await;
    assert_eq!((refreshed.status, &refreshed.json()["error"]), (400, &json!("invalid_grant")));
    assert!(refusal(place).await.contains("error=invalid_target"));
    let document = place.get(&place.at("/.well-known/oauth-authorization-server")).await;
    assert!(!document.body.contains("/mcp/second"), "{}", document.body);
}

/// One process.
#[tokio::test(flavor = "multi_thread")]
async fn servers_come_and_go_in_one_process() {
    let process = Plan::sqlite().second_server().start_process().await;
    let (all, place) = (process.configuration(), second(process.place()));
    let (client, tokens) = connects(&place).await;
    let default = connects(process.place()).await.1;
    reload(&process, &alone(&all), "mcp.server was read again: removed second").await;
    is_gone(&place, &client, &tokens).await;
    reload(&process, &all, "mcp.server was read again: added second").await;
    connects(&place).await;
    assert_eq!(call(&place, &tokens).await, 200, "a grant outlives the absence of its server");
    reload(&process, &all, "mcp.server was read again: unchanged").await;
    let narrower = all.replacen("title = \"Workflow\"", "title = \"Other\"", 1);
    reload(&process, &narrower, "mcp.server was read again: changed default").await;
    let told = process.place().get(&metadata(process.place())).await;
    assert!(told.body.contains("Other"), "{}", told.body);
    assert_eq!(call(process.place(), &default).await, 200);
}

/// Two processes, each of which reads its own file.
#[tokio::test(flavor = "multi_thread")]
async fn servers_come_and_go_in_two_processes() {
    let (auth, sidecar) = Plan::sqlite().second_server().start_processes().await;
    let (at_auth, at_sidecar) = (auth.configuration(), sidecar.configuration());
    let place = second(auth.place());
    let (client, tokens) = connects(&place).await;
    for (process, text) in [(&sidecar, &at_sidecar), (&auth, &at_auth)] {
        reload(process, &alone(text), "mcp.server was read again: removed second").await;
    }
    is_gone(&place, &client, &tokens).await;
    for (process, text) in [(&sidecar, &at_sidecar), (&auth, &at_auth)] {
        reload(process, text, "mcp.server was read again: added second").await;
    }
    connects(&place).await;
}

/// All mistakes are said, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_changes_nothing() {
    let process = Plan::sqlite().second_server().start_process().await;
    let (all, place) = (process.configuration(), second(process.place()));
    let (_, tokens) = connects(&place).await;
    let wrong = alone(&all).replace("[sign_in]\n", "[sign_in]\nnonsense = 1\n")
        + "[[mcp.server]]\nname = \"broken\"\n";
    reload(&process, &wrong, "mcp.server was not changed: sign_in.nonsense").await;
    said(&process, "mcp.server was not changed: mcp.server[1].upstream", 1).await;
    assert_eq!(call(&place, &tokens).await, 200);
    reload(&process, "no TOML", "mcp.server was not changed: the file is not valid TOML").await;
    let issuer = &process.place().issuer;
    let moved = alone(&all).replace(issuer, &issuer.replace("127.0.0.1", "localhost"));
    reload(&process, &moved, "mcp.server was not changed: public_url is another one").await;
    assert_eq!(call(&place, &tokens).await, 200);
    assert_eq!(process.log().matches("mcp.server was read again").count(), 0);
}

/// What else is in the file waits for the next start, and is named.
#[tokio::test(flavor = "multi_thread")]
async fn other_sections_wait_for_a_restart() {
    let process = Plan::sqlite().second_server().start_process().await;
    let text = process.configuration().replace("title = \"Test deployment\"", "title = \"canary\"");
    let text = text.replace("[oauth]\n", "[oauth]\naccess_token_lifetime_seconds = 77\n");
    reload(&process, &alone(&text), "mcp.server was read again: removed second").await;
    said(&process, "restart for: oauth, server\n", 1).await;
    assert!(!process.log().contains("canary"));
}

/// A consent page that was open when its server went comes to a clear end.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_with_its_resource() {
    let process = Plan::sqlite().second_server().start_process().await;
    let (all, place) = (process.configuration(), second(process.place()));
    let (person, ask): (Person, Ask) = (Person::new(&place), Client::register(&place).await.ask());
    let consent = person.sign_in(&ask, "basic").await;
    assert!(consent.has_button("decision"));
    reload(&process, &alone(&all), "mcp.server was read again: removed second").await;
    let refused = person.allow(&consent, Tick::All).await;
    assert_eq!(refused.answer.status, 200);
    assert!(refused.answer.body.contains("this resource is not served here any more"));
    assert!(refused.answer.body.contains("error=invalid_target"));
}

/// Nobody at another server notices.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_through_twenty_reloads() {
    let process = Plan::sqlite().second_server().start_process().await;
    let all = process.configuration();
    let (_, tokens) = connects(process.place()).await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let calling: Vec<_> = (0..2)
        .map(|_| {
            let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
            let (place, tokens) = (process.place().clone(), tokens.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(call(&place, &tokens).await, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..10 {
        for (text, outcome) in [(alone(&all), "removed second"), (all.clone(), "added second")] {
            let before = answered.load(Ordering::Relaxed);
            reload(&process, &text, &format!("mcp.server was read again: {outcome}")).await;
            while answered.load(Ordering::Relaxed) < before + 2 {
                assert!(calling.iter().all(|calls| !calls.is_finished()), "a call failed");
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    for calls in calling {
        calls.await.expect("no call failed");
    }
}
