//! One failure is one answer, whichever way the message went (`mcp::reply::failure`).

use mcp::{EraChoice, Transport};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::bridge_legacy_client::script::{Client, discovered, result};
use crate::sessions::open;
use crate::sse_front::{SSE, Stream, with_front};
use crate::support::{
    Answer, RawServer, Recorded, Reply, Token, World, get, json as json_reply, legacy, modern,
    open_events, post, status,
};

/// A way from a client to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Legacy,
    LegacyInSession,
    Modern,
    Batch,
    List,
    ModernToLegacy,
    LegacyToModern,
    ModernToSse,
    LegacyToSse,
    SseFront,
}

const WAYS: [Way; 10] = [
    Way::Legacy,
    Way::LegacyInSession,
    Way::Modern,
    Way::Batch,
    Way::List,
    Way::ModernToLegacy,
    Way::LegacyToModern,
    Way::ModernToSse,
    Way::LegacyToSse,
    Way::SseFront,
];

/// What the server does with a request, once the client is connected.
type Failing = fn(&Recorded) -> Reply;

/// What a client is told: the HTTP status where it sees one, code and text.
type Told = (Option<u16>, i64, String);

const INSIDE: &str = "inside 10.0.0.7";

/// One row: what fails, and what every client is told of it.
fn rows() -> Vec<(&'static str, Failing, Told)> {
    let told = |status: u16, code: i64, text: &str| (Some(status), code, text.to_owned());
    vec![
        (
            "an error page",
            |_| status(500, &[("content-type", "text/html")], INSIDE),
            told(500, -31502, "the upstream MCP server answered with HTTP status 500"),
        ),
        (
            "an overloaded balancer",
            |_| status(503, &[("content-type", "text/html")], INSIDE),
            told(503, -31502, "the upstream MCP server answered with HTTP status 503"),
        ),
        (
            "a forbidding page",
            |_| status(403, &[("content-type", "text/html")], INSIDE),
            told(502, -31502, "the upstream MCP server answered with HTTP status 403"),
        ),
        (
            "a bare refusal",
            |_| status(403, &[], ""),
            told(502, -31502, "the upstream MCP server answered with HTTP status 403"),
        ),
        (
            "an unknown path",
            |_| status(405, &[("content-type", "text/html")], INSIDE),
            told(405, -31502, "the upstream MCP server answered with HTTP status 405"),
        ),
        (
            "a redirect",
            |_| status(302, &[("location", "/elsewhere")], INSIDE),
            told(502, -31502, "the upstream MCP server redirects; configure its final URL"),
        ),
        (
            "a refused credential",
            |_| status(401, &[("www-authenticate", "Bearer")], INSIDE),
            told(502, -31502, "the upstream MCP server refused the gateway's credential"),
        ),
        (
            "another content type",
            |_| status(200, &[("content-type", "text/html")], INSIDE),
            told(502, -31502, "the upstream MCP server answered with another content type"),
        ),
        (
            "no answer in time",
            |_| Box::pin(std::future::pending()),
            told(504, -31504, "the upstream MCP server did not answer in time"),
        ),
    ]
}

/// A server that connects its clients, in either era and over HTTP or two endpoints, and then fails.
fn server(failing: Failing) -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    let stream: std::sync::Mutex<Option<tokio::sync::mpsc::UnboundedSender<&'static str>>> =
        std::sync::Mutex::default();
    move |request| {
        let said = |value: &Value| json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": value });
        let over_stream = request.uri.path().ends_with("messages");
        match request.rpc_method().as_str() {
            "" if request.method == http::Method::GET => {
                let (sender, events) = tokio::sync::mpsc::unbounded_channel();
                sender.send("event: endpoint\ndata: messages\n\n").unwrap();
                *stream.lock().unwrap() = Some(sender);
                open_events(events)
            }
            "server/discover" => result(request, &discovered()),
            "initialize" => {
                let version = request.message()["params"]["protocolVersion"].clone();
                let capabilities = json!({ "tools": {} });
                let opened = said(&json!({
                    "protocolVersion": version, "capabilities": capabilities,
                    "serverInfo": { "name": "failing", "version": "1" },
                }));
                if over_stream {
                    let event = format!("event: message\ndata: {opened}\n\n");
                    stream.lock().unwrap().as_ref().unwrap().send(event.leak()).unwrap();
                    return status(202, &[], "");
                }
                let headers =
                    [("content-type", "application/json"), ("mcp-session-id", "session-1")];
                status(200, &headers, &opened.to_string())
            }
            "notifications/initialized" => status(202, &[], ""),
            "tools/list" if over_stream => json_reply("{}"),
            _ => failing(request),
        }
    }
}

async fn told(way: Way, failing: Failing) -> Told {
    let world = World::with(server(failing), |config| {
        with_front(config);
        config.limits.upstream.first_byte_timeout = std::time::Duration::from_millis(300);
        let server = &mut config.servers[0];
        server.upstream.eras = match way {
            Way::ModernToLegacy | Way::ModernToSse | Way::LegacyToSse => EraChoice::Legacy,
            Way::LegacyToModern => EraChoice::Modern,
            _ => EraChoice::Both,
        };
        if matches!(way, Way::ModernToSse | Way::LegacyToSse) {
            server.upstream.transport = Transport::HttpSse;
        }
    })
    .await;
    let token = world.token("mcp:read");
    let call = json!({ "name": "get_x" });
    let answer = match way {
        Way::Legacy => world.ask(legacy("tools/call", &call).bearer(&token)).await,
        Way::List => world.ask(legacy("tools/list", &json!({})).bearer(&token)).await,
        Way::Modern | Way::ModernToLegacy | Way::ModernToSse => {
            world.ask(modern("tools/call", &call).bearer(&token)).await
        }
        Way::LegacyInSession => {
            let session = open(&world, &token, "2025-11-25").await;
            let ask = legacy("tools/call", &call).header("mcp-session-id", &session);
            world.ask(ask.bearer(&token)).await
        }
        Way::Batch => {
            let session = open(&world, &token, "2025-03-26").await;
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
            let ask = post(&format!("[{call}]")).header("mcp-session-id", &session);
            world.ask(ask.bearer(&token)).await
        }
        Way::LegacyToModern | Way::LegacyToSse => {
            let client = Client::open(&world, "2025-11-25", "{}").await;
            world.ask(client.call(1, "get_x")).await
        }
        Way::SseFront => return over_a_stream(&world, &call).await,
    };
    assert!(!String::from_utf8_lossy(&answer.body).contains(INSIDE), "{way:?}");
    of_answer(&answer)
}

async fn over_a_stream(world: &World, call: &Value) -> Told {
    let token = Token::new("mcp:read").claim("aud", SSE).sign(&world.authority.key());
    let mut stream = Stream::open(world, &token).await;
    stream.initialize(world).await;
    let call = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": call });
    stream.send(world, &call).await;
    let error = stream.next().await["error"].clone();
    (None, error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
}

fn of_answer(answer: &Answer) -> Told {
    let error = &answer.json()["error"];
    let text = error["message"].as_str().unwrap_or_default().to_owned();
    (Some(answer.status.as_u16()), error["code"].as_i64().unwrap_or_default(), text)
}

/// D-55, T-MCP-51: the same failure has the same status, code and text on every way.
#[tokio::test]
async fn d_55_one_failure_is_one_answer_on_every_way() {
    for (name, failing, (status, code, text)) in rows() {
        for way in WAYS {
            // To a POST of 2024-11-05 any success is as good as 202: the answer comes elsewhere.
            let elsewhere = matches!(way, Way::ModernToSse | Way::LegacyToSse);
            if elsewhere && name == "another content type" {
                continue;
            }
            let expected = (status.filter(|_| way != Way::SseFront), code, text.clone());
            assert_eq!(told(way, failing).await, expected, "{name}, {way:?}");
        }
    }
}

/// The same of a server that cannot be reached at all, or closes every connection, where nothing can be
/// opened before.
#[tokio::test]
async fn d_55_a_server_that_is_away_is_one_answer() {
    let closing = RawServer::saying("").await;
    // Port 1 on loopback: nothing listens there.
    let away = "http://127.0.0.1:1/mcp".to_owned();
    let rows = [
        (away, 503, -31503, "the upstream MCP server cannot be reached; try again later"),
        (
            closing.uri().to_string(),
            502,
            -31502,
            "the upstream MCP server closed the connection before its answer was complete",
        ),
    ];
    for (url, status_code, code, text) in rows {
        for (transport, eras) in [
            (Transport::Http, EraChoice::Both),
            (Transport::Http, EraChoice::Legacy),
            (Transport::Http, EraChoice::Modern),
            (Transport::HttpSse, EraChoice::Legacy),
        ] {
            let world = World::with(server(|_| status(500, &[], "")), |config| {
                config.servers[0].upstream.url = url.parse().unwrap();
                config.servers[0].upstream.transport = transport.clone();
                config.servers[0].upstream.eras = eras;
            })
            .await;
            let token = world.token("mcp:read");
            for ask in [
                legacy("initialize", &json!({ "protocolVersion": "2025-11-25" })),
                modern("tools/call", &json!({ "name": "get_x" })),
            ] {
                let answer = world.ask(ask.bearer(&token)).await;
                let told = (Some(status_code), code, text.to_owned());
                assert_eq!(of_answer(&answer), told, "{transport:?}, {eras:?}");
                assert_eq!(answer.header("retry-after").is_empty(), status_code != 503);
            }
        }
    }
}

/// MC-5: one stream more than a person may have is refused alike, whoever would hold it.
#[tokio::test]
async fn mc_5_a_stream_too_many_is_one_answer() {
    for (eras, transport, is_modern) in [
        (EraChoice::Both, Transport::Http, false),
        (EraChoice::Both, Transport::Http, true),
        (EraChoice::Modern, Transport::Http, false),
        (EraChoice::Legacy, Transport::Http, true),
        (EraChoice::Legacy, Transport::HttpSse, false),
        (EraChoice::Legacy, Transport::HttpSse, true),
    ] {
        let world = World::with(server(|_| open_events(unbounded_channel().1)), |config| {
            config.limits.streams_per_principal = 0;
            config.servers[0].upstream.eras = eras;
            config.servers[0].upstream.transport = transport.clone();
        })
        .await;
        let token = world.token("mcp:read");
        let notifications = json!({ "notifications": { "toolsListChanged": true } });
        let ask = if is_modern {
            modern("subscriptions/listen", &notifications)
        } else {
            let session = open(&world, &token, "2025-11-25").await;
            get("/mcp").header("mcp-session-id", &session)
        };
        let answer = world.ask(ask.bearer(&token)).await;
        let text = "too many open streams; close one first";
        let way = format!("{eras:?}, {transport:?}, {is_modern}");
        assert_eq!(of_answer(&answer), (Some(429), -31413, text.to_owned()), "{way}");
        assert_ne!(answer.header("retry-after"), "", "{way}");
    }
}
