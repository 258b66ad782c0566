//! What consent may show.

use mcp::{EraChoice, Transport};
use protocol::catalogue::{CatalogueTool, Consenting};
use protocol::{ResourceUri, UserType};
use serde_json::json;

use crate::sessions::sessions;
use crate::support::{
    Control, ISSUER, RESOURCE, Recorded, Reply, START, SigningKey, Token, World, get,
    json as json_reply, open_events, status,
};

fn tools(request: &Recorded) -> Reply {
    let id = request.message()["id"].clone();
    let tools = json!([
        { "name": "get_request", "title": "Look at a request" },
        { "name": "create_request" },
        { "name": "run_process" },
        { "name": "unheard_of" },
    ]);
    let text = json!({ "jsonrpc": "2.0", "id": id, "result": { "tools": tools } }).to_string();
    json_reply(&text)
}

fn tool(name: &str, title: &str, scope: &str) -> CatalogueTool {
    CatalogueTool { name: name.into(), title: title.into(), scope: scope.into() }
}

/// The person of [`World::token`].
fn person(user_type: UserType) -> Consenting {
    Consenting {
        user_type,
        sub: "sub_1".to_owned(),
        client_id: "client_1".to_owned(),
        organization: None,
    }
}

fn resource(uri: &str) -> ResourceUri {
    ResourceUri::parse(uri).unwrap()
}

async fn shown(world: &World, user_type: UserType) -> Vec<CatalogueTool> {
    world.sidecar.catalogue(&resource(RESOURCE), &person(user_type)).await.unwrap().to_vec()
}

#[tokio::test]
async fn each_kind_of_user_sees_what_could_be_granted() {
    let world = World::new(tools).await;
    let get = tool("get_request", "Look at a request", "mcp:read");
    let create = tool("create_request", "create_request", "mcp:write");
    let run = tool("run_process", "run_process", "mcp:process_admin");
    let basic = [get.clone(), create.clone()];
    assert_eq!(shown(&world, UserType::Basic).await, basic);
    assert_eq!(shown(&world, UserType::Administrator).await, [get, create, run]);
    assert_eq!(shown(&world, UserType::Basic).await, basic);
    assert_eq!(world.server.requests().len(), 2, "kept for a minute");
    world.clock.advance_seconds(60);
    shown(&world, UserType::Basic).await;
    assert_eq!(world.server.requests().len(), 3);
    assert!(
        world
            .sidecar
            .catalogue(&resource(&format!("{ISSUER}/unknown")), &person(UserType::Basic))
            .await
            .is_none()
    );
    let sent = &world.server.requests()[0];
    assert_eq!(sent.header("mcp-protocol-version"), "2026-07-28");
    assert!(!sent.headers.contains_key("x-wicketgate-subject"));
}

/// RG-5: what a server calls its tools is cleaned like what a client calls itself.
#[tokio::test]
async fn texts_of_tools_are_cleaned() {
    let world = World::new(|request| {
        let id = request.message()["id"].clone();
        let tools = json!([
            { "name": "get_a", "title": "Read\u{202e} \u{7}all\n of it" },
            { "name": "get_b", "title": "\u{200b}" },
            { "name": "get_c", "title": "x".repeat(100_000) },
        ]);
        json_reply(&json!({ "jsonrpc": "2.0", "id": id, "result": { "tools": tools } }).to_string())
    })
    .await;
    let long = "x".repeat(128);
    assert_eq!(
        shown(&world, UserType::Basic).await,
        [
            tool("get_a", "Read all of it", "mcp:read"),
            tool("get_b", "get_b", "mcp:read"),
            tool("get_c", &long, "mcp:read"),
        ]
    );
}

#[tokio::test]
async fn a_legacy_server_is_asked_in_a_session() {
    let world = World::new(|request| match request.rpc_method().as_str() {
        "tools/list" if request.header("mcp-session-id") == "upstream-session" => tools(request),
        _ => sessions(request),
    })
    .await;
    assert_eq!(shown(&world, UserType::Basic).await.len(), 2);
    // The session ends beside the answer.
    world.sidecar.end().await;
    let methods: Vec<_> = world.server.requests().iter().map(Recorded::rpc_method).collect();
    assert_eq!(
        methods,
        ["tools/list", "initialize", "notifications/initialized", "tools/list", ""]
    );
    assert_eq!(world.server.requests()[4].method, http::Method::DELETE);
}

#[tokio::test]
async fn without_an_answer_there_is_none() {
    let world = World::new(|_| status(500, &[("content-type", "text/html")], "")).await;
    assert!(world.sidecar.catalogue(&resource(RESOURCE), &person(UserType::Basic)).await.is_none());
}

/// Two seconds, then consent goes on without the tools.
#[tokio::test]
async fn a_slow_server_does_not_hold_up_consent() {
    let world = World::new(|_| Box::pin(std::future::pending())).await;
    tokio::time::pause();
    assert!(world.sidecar.catalogue(&resource(RESOURCE), &person(UserType::Basic)).await.is_none());
}

/// What an authorization server that runs apart sends.
fn request_for(user_type: &str) -> Token {
    Token {
        header: json!({ "alg": "ES256", "typ": "wicketgate-catalogue+jwt", "kid": "key-1" }),
        claims: json!({
            "iss": ISSUER, "aud": RESOURCE, "iat": START, "exp": START + 60,
            "user_type": user_type, "sub": "sub_1", "client_id": "client_1",
        }),
    }
}

#[tokio::test]
async fn the_authorization_server_may_ask_from_elsewhere() {
    let world = World::new(tools).await;
    let token = request_for("basic").sign(&world.authority.key());
    let answer = world.ask(get("/mcp/catalogue").bearer(&token)).await;
    assert_eq!(answer.status, 200);
    let shown: Vec<CatalogueTool> = serde_json::from_value(answer.json()).unwrap();
    assert_eq!(shown.len(), 2);
}

/// AT-7: a request for the catalogue is no access token, and an access token no such request.
#[tokio::test]
async fn at_7_to_everybody_else_there_is_nothing_here() {
    let world = World::new(tools).await;
    let key = world.authority.key();
    let good = request_for("basic");
    assert_eq!(world.ask(get("/mcp/catalogue")).await.status, 401);
    for bad in [
        good.clone().header("typ", "at+jwt"),
        good.clone().header("jku", "https://evil.example"),
        good.clone().claim("aud", "https://mcp.example.com/other"),
        good.clone().claim("iss", "https://evil.example"),
        good.clone().claim("exp", START - 60),
        good.clone().claim("iat", START + 600),
        good.clone().claim("user_type", "emperor"),
        good.clone().without("exp"),
        good.clone().without("sub"),
    ] {
        let answer = world.ask(get("/mcp/catalogue").bearer(&bad.sign(&key))).await;
        assert_eq!(answer.status, 401, "{:?}", bad.parts());
    }
    let access = world.token("mcp:read");
    assert_eq!(world.ask(get("/mcp/catalogue").bearer(&access)).await.status, 404);
    let forged = good.sign(&SigningKey::generate("key-1"));
    assert_eq!(world.ask(get("/mcp/catalogue").bearer(&forged)).await.status, 401);
    let as_access_token = world.ask(get("/mcp").bearer(&good.sign(&key))).await;
    assert_eq!(as_access_token.status, 401);
    assert!(world.server.requests().is_empty(), "nobody asked the upstream");
}

/// A server of 2024-11-05 is asked over a stream of its own, in nobody's name.
#[tokio::test]
async fn a_server_of_two_endpoints_is_asked_over_a_stream() {
    let stream: std::sync::Mutex<Option<tokio::sync::mpsc::UnboundedSender<&'static str>>> =
        std::sync::Mutex::default();
    let reply = move |request: &Recorded| {
        if request.method == http::Method::GET {
            let (sender, events) = tokio::sync::mpsc::unbounded_channel();
            sender.send("event: endpoint\ndata: messages?session=1\n\n").unwrap();
            *stream.lock().unwrap() = Some(sender);
            return open_events(events);
        }
        let id = request.message()["id"].clone();
        let result = match request.rpc_method().as_str() {
            "initialize" => json!({ "protocolVersion": "2024-11-05", "capabilities": {} }),
            "tools/list" => json!({ "tools": [{ "name": "get_request" }, { "name": "x" }] }),
            _ => return status(202, &[], ""),
        };
        let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        let event = format!("event: message\ndata: {answer}\n\n");
        stream.lock().unwrap().as_ref().unwrap().send(event.leak()).unwrap();
        status(202, &[], "")
    };
    let world =
        World::with(reply, |config| config.servers[0].upstream.transport = Transport::HttpSse)
            .await;
    let expected = [tool("get_request", "get_request", "mcp:read")];
    assert_eq!(shown(&world, UserType::Basic).await, expected);
    let requests = world.server.requests();
    let methods: Vec<_> = requests.iter().map(Recorded::rpc_method).collect();
    assert_eq!(methods, ["", "initialize", "notifications/initialized", "tools/list"]);
    assert_eq!(requests[1].uri.to_string(), "/upstream/messages?session=1");
    assert!(requests.iter().all(|sent| !sent.headers.contains_key("x-wicketgate-subject")));
}

/// A program is asked on behalf of the person who is to consent, with their identity and among their
/// places. What one person's own program lists is nobody else's.
#[tokio::test]
async fn a_program_is_asked_for_the_person_who_consents() {
    for (shared, role, eras) in [
        (true, "modern", EraChoice::Modern),
        (false, "modern", EraChoice::Modern),
        (true, "legacy", EraChoice::Legacy),
        (false, "legacy", EraChoice::Legacy),
    ] {
        let control = Control::start().await;
        let child = control.child(role);
        let world = World::with(tools, |config| {
            config.servers[0].upstream.eras = eras;
            child(config);
            if let Transport::Stdio(child) = &mut config.servers[0].upstream.transport {
                child.shared_by_everyone = shared;
            }
        })
        .await;
        let listed = [tool("get_x", "get_x", "mcp:read")];
        assert_eq!(shown(&world, UserType::Basic).await, listed, "{shared} {role}");
        let first = control.next().await;
        let whose = first.environment.get("WICKETGATE_SUBJECT").map(String::as_str);
        assert_eq!(whose, (!shared).then_some("sub_1"), "{role}");
        assert_eq!(shown(&world, UserType::Basic).await, listed);
        assert!(control.is_empty().await, "kept for a minute");
        let other = Consenting { sub: "sub_2".to_owned(), ..person(UserType::Basic) };
        let others = world.sidecar.catalogue(&resource(RESOURCE), &other).await.unwrap();
        assert_eq!(**others, listed);
        assert_eq!(control.is_empty().await, shared, "each has their own: {role}");
    }
}

/// A program that cannot be started holds nobody up and shows nothing.
#[tokio::test]
async fn a_program_that_is_not_there_shows_nothing() {
    let control = Control::start().await;
    let child = control.child("modern");
    let world = World::with(tools, |config| {
        config.servers[0].upstream.eras = EraChoice::Modern;
        child(config);
        if let Transport::Stdio(child) = &mut config.servers[0].upstream.transport {
            child.command = vec!["/nonexistent/server".to_owned()];
        }
    })
    .await;
    assert!(world.sidecar.catalogue(&resource(RESOURCE), &person(UserType::Basic)).await.is_none());
}

/// A server chooses how many pages and tools it has; a consent page shows a thousand and asks no more
/// than fifty times.
#[tokio::test]
async fn a_list_without_end_ends() {
    let world = World::new(|request| {
        let page = request.message()["params"]["cursor"]
            .as_str()
            .map_or(0, |cursor| cursor.parse::<u32>().unwrap());
        let tools: Vec<_> =
            (0..30).map(|tool| json!({ "name": format!("get_{page}_{tool}") })).collect();
        let id = request.message()["id"].clone();
        let result = json!({ "tools": tools, "nextCursor": (page + 1).to_string() });
        json_reply(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
    })
    .await;
    assert_eq!(shown(&world, UserType::Basic).await.len(), 1_000);
    assert_eq!(world.server.requests().len(), 50);
}
