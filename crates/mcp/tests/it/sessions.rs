//! Legacy sessions: sealed to their principal.

use http::Method;
use serde_json::json;

use crate::support::{
    Answer, Ask, Recorded, Reply, Token, World, event_id, events, get, json as json_reply, legacy,
    modern, status, text, without_ids,
};

const INITIALIZED: &str =
    r#"{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;

/// A server with sessions, whose id is `upstream-session`.
pub(crate) fn sessions(request: &Recorded) -> Reply {
    let known = request.header("mcp-session-id") == "upstream-session";
    if request.rpc_method() == "initialize" {
        let version = request.message()["params"]["protocolVersion"].clone();
        let version = version.as_str().unwrap_or("2025-11-25").to_owned();
        let headers =
            [("content-type", "application/json"), ("mcp-session-id", "upstream-session")];
        let id = request.message()["id"].to_string();
        let opened = INITIALIZED
            .replace("2025-11-25", &version)
            .replace("\"id\":7", &format!("\"id\":{id}"));
        return status(200, &headers, &opened);
    }
    if !known {
        return status(400, &[("content-type", "text/plain")], "no session");
    }
    if request.method == Method::DELETE {
        return status(204, &[], "");
    }
    json_reply(
        &json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": {} }).to_string(),
    )
}

/// Opens a session and returns the id that the client sees.
pub(crate) async fn open(world: &World, token: &str, version: &str) -> String {
    let ask = legacy("initialize", &json!({ "protocolVersion": version })).bearer(token);
    let answer = world.ask(ask).await;
    assert_eq!(answer.status, 200);
    answer.header("mcp-session-id").to_owned()
}

fn ping(token: &str, session: &str) -> Ask {
    legacy("ping", &json!({})).bearer(token).header("mcp-session-id", session)
}

#[tokio::test]
async fn the_servers_id_never_leaves() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let first = open(&world, &token, "2025-11-25").await;
    let second = open(&world, &token, "2025-11-25").await;
    assert!(!first.contains("upstream") && first != second);
    let visible = first.bytes().all(|b| (0x21..=0x7e).contains(&b));
    assert!(visible && first.len() > 40);
    let answer = world.ask(ping(&token, &first)).await;
    assert_eq!(answer.status, 200);
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(sent.header("mcp-session-id"), "upstream-session");
}

#[tokio::test]
async fn the_answer_to_initialize_is_untouched() {
    let world = World::new(sessions).await;
    let ask = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }));
    // An id in `initialize` is nobody's session.
    let ask = ask.header("mcp-session-id", "made-up").bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    assert_eq!(text(&answer.body), INITIALIZED);
    assert!(!world.server.request().headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn initialize_in_a_stream() {
    let world = World::new(|request| {
        if request.rpc_method() != "initialize" {
            return sessions(request);
        }
        let mut response = futures_util::FutureExt::now_or_never(events(&format!(
            "id: 0\ndata: \n\nevent: message\ndata: {INITIALIZED}\n\n"
        )))
        .unwrap();
        response.headers_mut().insert("mcp-session-id", "upstream-session".parse().unwrap());
        Box::pin(async { response })
    })
    .await;
    let token = world.token("mcp:read");
    let ask = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" })).bearer(&token);
    let answer = world.ask(ask).await;
    assert!(
        without_ids(text(&answer.body)).starts_with("id: *\ndata: \n\nevent: message\ndata: {")
    );
    let session = answer.header("mcp-session-id").to_owned();
    assert_eq!(world.ask(ping(&token, &session)).await.status, 200);
    let other = ping(&token, &session).instead("mcp-protocol-version", "2025-06-18");
    assert_eq!(world.ask(other).await.status, 200);
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(
        sent.header("mcp-protocol-version"),
        "2025-11-25",
        "the revision was read from the stream"
    );
}

/// T-MCP-45: another principal's id does not open, and says no more than a made-up one.
#[tokio::test]
async fn t_mcp_45_sessions_belong_to_their_principal() {
    let world = World::new(sessions).await;
    let key = world.authority.key();
    let mine = world.token("mcp:read");
    let session = open(&world, &mine, "2025-11-25").await;
    let asked = world.server.requests().len();
    let person = Token::new("mcp:read").claim("sub", "sub_2").sign(&key);
    let client = Token::new("mcp:read").claim("client_id", "cl_2").sign(&key);
    let organization = Token::new("mcp:read").claim("organization", "Northwind").sign(&key);
    let mut damaged = session.clone();
    damaged.replace_range(20..21, if &session[20..21] == "A" { "B" } else { "A" });
    let shorter = &session[..session.len() - 1];
    let tries: [(&str, &str); 8] = [
        (&person, &session),
        (&client, &session),
        (&organization, &session),
        (&mine, &damaged),
        (&mine, shorter),
        (&mine, "upstream-session"),
        (&mine, ""),
        (&mine, "!"),
    ];
    let mut bodies = Vec::new();
    for (token, id) in tries {
        let answer = world.ask(ping(token, id)).await;
        assert_eq!(answer.status, 404, "{id}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "all the same words");
    assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
    // GET and DELETE are judged alike.
    for method in [Method::GET, Method::DELETE] {
        let ask = Ask::new(method, "/mcp").bearer(&person).header("mcp-session-id", &session);
        assert_eq!(world.ask(ask).await.status, 404);
    }
    // The same person through the same client with a new token keeps the session.
    let renewed = Token::new("mcp:read mcp:write").claim("jti", "jti_2").sign(&key);
    assert_eq!(world.ask(ping(&renewed, &session)).await.status, 200);
}

/// Replicas share the key and nothing else.
#[tokio::test]
async fn t_mcp_45_any_replica_opens_a_session_for_its_principal_only() {
    let mut world = World::new(sessions).await;
    let mine = world.token("mcp:read");
    let session = open(&world, &mine, "2025-11-25").await;
    world.sidecar = world.replica();
    let other = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    assert_eq!(world.ask(ping(&other, &session)).await.status, 404);
    assert_eq!(world.ask(ping(&mine, &session)).await.status, 200);
    let older = ping(&mine, &session).instead("mcp-protocol-version", "2025-06-18");
    assert_eq!(world.ask(older).await.status, 200);
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(sent.header("mcp-protocol-version"), "2025-11-25", "it travels in the id");
}

/// BR-4: the id proves nothing.
#[tokio::test]
async fn a_session_without_a_token_is_nothing() {
    let world = World::new(sessions).await;
    let session = open(&world, &world.token("mcp:read"), "2025-11-25").await;
    let ask = legacy("ping", &json!({})).header("mcp-session-id", &session);
    assert_eq!(world.ask(ask).await.status, 401);
}

#[tokio::test]
async fn t_mcp_47_the_agreed_revision_holds() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-06-18").await;
    let with = |version: &str| ping(&token, &session).instead("mcp-protocol-version", version);
    assert_eq!(world.ask(with("2025-06-18")).await.status, 200);
    for unknown in ["banana", "2025-06-19", "2024-10-07"] {
        assert_eq!(world.ask(with(unknown)).await.status, 400, "{unknown}");
        let get = get("/mcp").bearer(&token).header("mcp-session-id", &session);
        let answer = world.ask(get.header("mcp-protocol-version", unknown)).await;
        assert_eq!(answer.status, 400, "{unknown}");
    }
    let absent = ping(&token, &session).without("mcp-protocol-version");
    assert_eq!(world.ask(absent).await.status, 200, "VS Code leaves it out");
    let sent = world.server.requests().pop().unwrap();
    assert!(!sent.headers.contains_key("mcp-protocol-version"));
    let two = ping(&token, &session).header("mcp-session-id", &session);
    assert_eq!(world.ask(two).await.status, 400);
}

/// The Java SDK names the latest revision that it knows, whatever was agreed on. The upstream
/// hears the agreed one, which is the only one that it takes in this session.
#[tokio::test]
async fn another_revision_that_is_known_is_served_as_the_agreed_one() {
    for agreed in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let world = World::new(sessions).await;
        let token = world.token("mcp:read");
        let session = open(&world, &token, agreed).await;
        for named in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let posted = ping(&token, &session).instead("mcp-protocol-version", named);
            let others = [Method::GET, Method::DELETE].map(|method| {
                let ask = Ask::new(method, "/mcp").bearer(&token);
                ask.header("mcp-session-id", &session).header("mcp-protocol-version", named)
            });
            for ask in others.into_iter().chain([posted]) {
                let status = world.ask(ask).await.status.as_u16();
                // The server has no stream to give, which is its own to say.
                assert!(matches!(status, 200 | 204 | 502), "{status} {agreed} {named}");
                let sent = world.server.requests().pop().unwrap();
                assert_eq!(sent.header("mcp-protocol-version"), agreed, "{named}");
            }
        }
    }
}

#[tokio::test]
async fn delete_ends_it_at_the_server() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let ask = Ask::new(Method::DELETE, "/mcp").bearer(&token).header("mcp-session-id", &session);
    assert_eq!(world.ask(ask).await.status, 204);
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(
        (sent.method.clone(), sent.header("mcp-session-id")),
        (Method::DELETE, "upstream-session")
    );
}

/// D-01: without an id the upstream decides, as it would without us.
#[tokio::test]
async fn the_server_judges_a_missing_id() {
    let world = World::new(sessions).await;
    let answer: Answer =
        world.ask(legacy("ping", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body)), (400, "no session"));
}

/// C-05: a modern request has no session, whatever header it carries, and gets none.
#[tokio::test]
async fn modern_requests_have_no_session() {
    let world = World::new(|request| {
        let id = request.message()["id"].clone();
        let text = json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
        status(200, &[("content-type", "application/json"), ("mcp-session-id", "minted")], &text)
    })
    .await;
    let ask = modern("tools/call", &json!({ "name": "get_x" }));
    let ask = ask.header("mcp-session-id", "left over").bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    assert_eq!((answer.status.as_u16(), answer.header("mcp-session-id")), (200, ""));
    assert!(!world.server.request().headers.contains_key("mcp-session-id"));
}

/// Kept lists are for one session.
#[tokio::test]
async fn t_mcp_44_lists_are_kept_per_session() {
    let world = World::new(|request| {
        if request.rpc_method() != "tools/list" {
            return sessions(request);
        }
        let id = request.message()["id"].clone();
        json_reply(&json!({ "jsonrpc": "2.0", "id": id, "result": { "tools": [] } }).to_string())
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let list = || legacy("tools/list", &json!({})).bearer(&token);
    world.ask(list().header("mcp-session-id", &session)).await;
    let kept = world.ask(list().header("mcp-session-id", &session)).await;
    assert_eq!(kept.header("mcp-session-id"), session);
    assert_eq!(world.server.requests().len(), 2);
    world.ask(list()).await;
    assert_eq!(world.server.requests().len(), 3);
}

/// A GET stream belongs to its session, too. Half an event cannot be filtered, and some clients
/// read one: it stays behind.
#[tokio::test]
async fn a_get_stream_passes_byte_for_byte() {
    const STREAM: &str = ": hi\n\nid: 1\ndata: {\"jsonrpc\" : \"2.0\",\"method\":\"x\"}\r\n\r\n";
    let world = World::new(|request| match request.method {
        Method::GET => events(&format!("{STREAM}data: half")),
        _ => sessions(request),
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let ask = get("/mcp").header("accept", "text/event-stream");
    let answer = world.ask(ask.header("mcp-session-id", &session).bearer(&token)).await;
    assert_eq!(without_ids(text(&answer.body)), STREAM.replace("id: 1", "id: *"));
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// A server finds a stream by the id of an event, so that travels sealed like the session: it opens
/// for the session that it was told to, and for no other.
#[tokio::test]
async fn the_id_of_an_event_belongs_to_its_session() {
    let world = World::new(|request| match request.method {
        Method::GET => events("id: stream-7_1\ndata:\n\n"),
        _ => sessions(request),
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let stream = |token: &str, session: &str| {
        let ask = get("/mcp").header("accept", "text/event-stream").bearer(token);
        ask.header("mcp-session-id", session)
    };
    let id = event_id(&world.ask(stream(&token, &session)).await);
    assert!(!id.contains("stream"), "{id}");
    let resumed = world.ask(stream(&token, &session).header("last-event-id", &id)).await;
    assert_eq!(resumed.status, 200);
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(sent.header("last-event-id"), "stream-7_1");
    let again = event_id(&resumed);
    let asked = world.server.requests().len();

    let stranger = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let theirs = open(&world, &stranger, "2025-11-25").await;
    for (whose, session, id) in [
        (&stranger, &theirs, id.as_str()),
        (&stranger, &theirs, again.as_str()),
        (&token, &session, "stream-7_1"),
        (&token, &session, "\u{e9}"),
    ] {
        let answer = world.ask(stream(whose, session).header("last-event-id", id)).await;
        assert_eq!(answer.status, 400, "{id}");
        assert!(text(&answer.body).contains("leave it out to open a new stream"), "{answer:?}");
    }
    let twice = stream(&token, &session).header("last-event-id", &id).header("last-event-id", &id);
    assert_eq!(world.ask(twice).await.status, 400);
    assert_eq!(world.server.requests().len(), asked + 1, "only the stranger's own initialize");
    // An empty one is none.
    let none = world.ask(stream(&token, &session).header("last-event-id", "")).await;
    assert_eq!(none.status, 200);
    // A message names no event, whatever its headers say.
    world.ask(ping(&token, &session).header("last-event-id", "stream-7_1")).await;
    assert_eq!(world.server.requests().pop().unwrap().header("last-event-id"), "");
}

/// C7: SDKs forget the id that they resumed with. A stream that ends without one could not be
/// resumed again, so each begins with the id that it goes on from.
#[tokio::test]
async fn a_resumed_stream_begins_with_an_id() {
    let world = World::new(|request| match (&request.method, request.header("last-event-id")) {
        (&Method::GET, "") => events("id: e-5\ndata:\n\n"),
        (&Method::GET, _) => events(": nothing yet\n\n"),
        _ => sessions(request),
    })
    .await;
    let token = world.token("mcp:read");
    for session in [Some(open(&world, &token, "2025-11-25").await), None] {
        let stream = |id: &str| {
            let ask = get("/mcp").header("accept", "text/event-stream").bearer(&token);
            let ask = if id.is_empty() { ask } else { ask.header("last-event-id", id) };
            match &session {
                Some(session) => ask.header("mcp-session-id", session),
                None => ask,
            }
        };
        let mut id = event_id(&world.ask(stream("")).await);
        for _ in 0..3 {
            let resumed = world.ask(stream(&id)).await;
            let expected = "id: *\ndata: \n\n: nothing yet\n\n";
            assert_eq!(without_ids(text(&resumed.body)), expected);
            id = event_id(&resumed);
            assert_eq!(world.server.requests().pop().unwrap().header("last-event-id"), "e-5");
        }
    }
}
