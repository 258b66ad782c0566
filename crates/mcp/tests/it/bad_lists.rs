//! T-MCP-51: lists of tools that are read here, from servers that cannot be trusted with it.

use serde_json::json;

use crate::support::{
    Answer, Ask, RawServer, Reply, World, echo, events, json as reply_json, legacy, modern, text,
};

fn list(world: &World) -> Ask {
    legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"))
}

/// Asks for a list that is answered with this text.
async fn answered(reply: impl Fn(&str) -> Reply + Send + Sync + 'static, said: &str) -> Answer {
    let said = said.to_owned();
    let world =
        World::with(move |_| reply(&said), |config| config.limits.list_bytes = 10_000).await;
    world.ask(list(&world)).await
}

fn refused(what: &str, answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{what}: {answer:?}");
    assert_eq!(answer.json()["id"], 7, "{what}");
    assert!(!text(&answer.body).contains("get_"), "{what}: {answer:?}");
}

const TOOLS: &str = r#""result":{"tools":[{"name":"get_x"}]}"#;

/// Answers to no request of this client, and texts that two could read differently.
#[tokio::test]
async fn t_mcp_51_json_that_is_no_answer() {
    for (what, said) in [
        ("another id", format!(r#"{{"jsonrpc":"2.0","id":8,{TOOLS}}}"#)),
        ("an id of another kind", format!(r#"{{"jsonrpc":"2.0","id":"07",{TOOLS}}}"#)),
        ("no id", format!(r#"{{"jsonrpc":"2.0",{TOOLS}}}"#)),
        ("null", format!(r#"{{"jsonrpc":"2.0","id":null,{TOOLS}}}"#)),
        ("two ids", format!(r#"{{"jsonrpc":"2.0","id":7,"id":8,{TOOLS}}}"#)),
        ("two results", format!(r#"{{"jsonrpc":"2.0","id":7,{TOOLS},{TOOLS}}}"#)),
        ("result and error", format!(r#"{{"jsonrpc":"2.0","id":7,{TOOLS},"error":{{}}}}"#)),
        (
            "two answers",
            format!(r#"{{"jsonrpc":"2.0","id":7,{TOOLS}}}{{"jsonrpc":"2.0","id":7,{TOOLS}}}"#),
        ),
        ("a batch", format!(r#"[{{"jsonrpc":"2.0","id":7,{TOOLS}}}]"#)),
        (
            "an error for another",
            r#"{"jsonrpc":"2.0","id":8,"error":{"code":1,"message":"get_"}}"#.to_owned(),
        ),
        ("a notification", r#"{"jsonrpc":"2.0","method":"get_"}"#.to_owned()),
        ("cut short", format!(r#"{{"jsonrpc":"2.0","id":7,{TOOLS}"#)),
        ("nothing", String::new()),
        ("deep", format!(r#"{{"jsonrpc":"2.0","id":7,"result":{}"#, "[".repeat(9_000))),
        (
            "giant",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"result":{{"x":"{}","tools":[]}}}}"#,
                "get_".repeat(5_000)
            ),
        ),
    ] {
        refused(what, &answered(reply_json, &said).await);
    }
}

#[tokio::test]
async fn t_mcp_51_errors_pass_with_the_right_id_or_none() {
    for id in ["7", "null"] {
        let said =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32000,"message":"m"}}}}"#);
        let answer = answered(reply_json, &said).await;
        assert_eq!((answer.status.as_u16(), text(&answer.body)), (200, said.as_str()));
        let answer = answered(events, &format!("data: {said}\n\n")).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer.body)),
            (200, format!("data: {said}\n\n").as_str())
        );
    }
}

/// However the server writes the id, the client gets its own back.
#[tokio::test]
async fn ids_may_be_written_differently() {
    let world =
        World::new(|_| reply_json(&format!(r#"{{"id":"\u00e9","jsonrpc":"2.0",{TOOLS}}}"#))).await;
    let ask = list(&world).body(r#"{"jsonrpc":"2.0","id":"é","method":"tools/list"}"#);
    let answer = world.ask(ask).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(text(&answer.body).contains(r#""id":"é""#));
}

#[tokio::test]
async fn t_mcp_51_streams_that_are_no_answer() {
    for (what, said) in [
        ("another id", format!("data: {{\"jsonrpc\":\"2.0\",\"id\":8,{TOOLS}}}\n\n")),
        ("no JSON", "data: get_\n\n".to_owned()),
        ("an event without end", format!("data: {}", "get_".repeat(5_000))),
        ("a line after the other", "data: get_\n".repeat(5_000)),
        ("nothing", String::new()),
    ] {
        refused(what, &answered(events, &said).await);
    }
}

/// Messages before the answer pass; a wrong or a second answer after them does not.
#[tokio::test]
async fn t_mcp_51_answers_in_the_middle_of_a_stream() {
    let news = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    let answer = |id: u8| format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},{TOOLS}}}\n\n");
    // An answer that breaks off is collected as nothing at all, so the pieces are looked at.
    for (said, tools) in [
        (format!("{news}{}", answer(7)), 1),
        (format!("{news}{}", answer(8)), 0),
        (format!("{news}{}{}", answer(7), answer(7)), 1),
        (format!("{news}{}{}", answer(7), answer(8)), 1),
    ] {
        let stream = said.clone();
        let world = World::new(move |_| events(&stream)).await;
        let mut body = world.sidecar.handle(list(&world).build()).await.into_body();
        let mut seen = String::new();
        let mut broken = false;
        while let Some(piece) = crate::support::frame(&mut body).await {
            let Ok(bytes) = piece else {
                broken = true;
                break;
            };
            seen.push_str(text(&bytes));
        }
        assert!(seen.starts_with(news), "{said}: {seen}");
        assert_eq!(seen.matches("get_x").count(), tools, "{said}: {seen}");
        assert_eq!(broken, said.matches("get_x").count() > tools, "{said}");
    }
}

/// Bytes that are no text are no list.
#[tokio::test]
async fn t_mcp_51_invalid_utf_8() {
    let body = [
        br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"get_"#.as_slice(),
        b"\xff\xfe\"}]}}",
    ]
    .concat();
    for form in ["application/json", "text/event-stream"] {
        let said = match form {
            "application/json" => body.clone(),
            _ => [b"data: ".as_slice(), &body, b"\n\n"].concat(),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {form}\r\nContent-Length: {}\r\n\r\n",
            said.len()
        );
        let server = RawServer::saying([head.as_bytes(), &said].concat()).await;
        let uri = server.uri();
        let world = World::with(echo, |config| config.servers[0].upstream.url = uri).await;
        refused(form, &world.ask(list(&world)).await);
    }
}

/// A list that breaks off was not read, so it is not a shorter list, and nothing is kept of it.
#[tokio::test]
async fn t_mcp_51_a_list_that_breaks_off() {
    let half = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{{\"jsonrpc\":\"2.0\",\"id\":7,{TOOLS}}}"
    );
    let server = RawServer::saying(half).await;
    let uri = server.uri();
    let world = World::with(echo, |config| config.servers[0].upstream.url = uri).await;
    for asked in 1..=2 {
        refused("half", &world.ask(list(&world)).await);
        assert_eq!(server.connections(), asked);
    }
    let ask = modern("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    refused("half, modern", &world.ask(ask).await);
}
