#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Core, End, Manner, Wire, running};
use crate::connection::{Caller, ConnectionError, Kind, ResponseStream, ServerMessage};
use crate::wire::Era;

/// Keeps what is said to the server.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Wire for Said {
    fn send<'a>(
        &'a self,
        _: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        self.hint(text);
        Box::pin(async { Ok(()) })
    }

    fn hint(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Said {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn pipe(era: Era, everybody: bool) -> (Arc<Core>, Said) {
    let said = Said::default();
    let manner = Manner { era, everybody, first_answer: Duration::from_mins(1) };
    (Core::with(Weak::new(), "test", Box::new(said.clone()), manner), said)
}

fn ask(core: &Arc<Core>, id: u64, method: &str) -> ResponseStream {
    running::begin(core, id, method, Duration::from_mins(1)).unwrap()
}

fn hear(core: &Core, text: &str) {
    core.hear(&Bytes::copy_from_slice(text.as_bytes())).unwrap();
}

async fn text(exchange: &mut ResponseStream) -> String {
    String::from_utf8(exchange.next().await.unwrap().unwrap().text.to_vec()).unwrap()
}

fn nothing(exchange: &mut ResponseStream) -> bool {
    exchange.next().now_or_never().is_none()
}

#[tokio::test]
async fn answers_and_progress_find_their_request() {
    let (core, said) = pipe(Era::Legacy, false);
    let (mut one, mut two) = (ask(&core, 1, "tools/call"), ask(&core, 2, "tools/call"));
    hear(&core, r#"{"method":"notifications/progress","params":{"progressToken":1}}"#);
    hear(&core, r#"{"id":2,"result":{"for":"two"}}"#);
    hear(&core, r#"{"id":1,"result":{"for":"one"}}"#);
    hear(&core, r#"{"id":1,"result":{"late":true}}"#);
    assert!(text(&mut one).await.contains("progress"));
    assert!(text(&mut one).await.contains(r#""for":"one""#));
    assert!(text(&mut two).await.contains(r#""for":"two""#));
    assert!(one.next().await.is_none());
    drop((one, two));
    assert_eq!(said.take(), Vec::<String>::new(), "what was answered is not cancelled");
}

/// Item 15 of what servers were seen to send: ids that changed their kind, and outcomes beside null.
#[tokio::test]
async fn answers_find_their_request_however_the_id_is_written() {
    let (core, said) = pipe(Era::Legacy, true);
    for answer in [
        r#"{"id":"3","result":{"for":"three"}}"#,
        r#"{"id":3.0,"result":{"for":"three"},"error":null}"#,
        "\u{feff}{\"id\":3,\"result\":{\"for\":\"three\"}}",
        r#"{"id":null,"result":null,"error":{"code":1,"message":"three"}}"#,
    ] {
        let mut asked = ask(&core, 3, "tools/call");
        hear(&core, r#"{"method":"notifications/progress","params":{"progressToken":"3"}}"#);
        hear(&core, answer);
        assert!(text(&mut asked).await.contains("progress"));
        assert!(text(&mut asked).await.contains("three"), "{answer}");
        assert!(asked.next().await.is_none());
    }
    assert_eq!(said.take(), Vec::<String>::new());
}

/// What tries to be an answer and is none ends the wait of whoever it names, and of nobody else.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_at_once() {
    let (core, _said) = pipe(Era::Legacy, false);
    for answer in [r#"{"id":1}"#, r#"{"id":"1","result":1,"error":2}"#, r#"{"id":1,"error":null}"#]
    {
        let (mut one, mut two) = (ask(&core, 1, "tools/call"), ask(&core, 2, "tools/call"));
        hear(&core, answer);
        assert_eq!(one.next().await.unwrap().unwrap_err(), ConnectionError::Garbled, "{answer}");
        assert!(nothing(&mut two));
    }
    // These say nothing about any answer.
    let mut one = ask(&core, 1, "tools/call");
    for other in ["hello", r#"{"id":1,"method":"x","result":{}}"#, "[1]", r#"{"id":9}"#] {
        hear(&core, other);
    }
    assert!(nothing(&mut one));
}

/// An answer without a readable id is somebody's. As soon as it can only be theirs, they hear so.
#[tokio::test]
async fn an_answer_that_names_nobody_is_an_error_for_whoever_it_must_be() {
    for unclaimed in [
        r#"{"id":"what","result":{}}"#,
        r#"{"id":1.5,"result":{}}"#,
        r#"{"id":77,"result":{}}"#,
        r#"{"id":{},"error":{"code":1}}"#,
    ] {
        let (core, _said) = pipe(Era::Legacy, false);
        let mut listen = ask(&core, 1, "subscriptions/listen");
        let (mut two, mut three) = (ask(&core, 2, "tools/call"), ask(&core, 3, "tools/call"));
        hear(&core, unclaimed);
        assert!(nothing(&mut two) && nothing(&mut three), "it may be for either: {unclaimed}");
        let mut later = ask(&core, 4, "tools/call");
        hear(&core, r#"{"id":2,"result":{}}"#);
        assert!(text(&mut two).await.contains("result"));
        assert_eq!(
            three.next().await.unwrap().unwrap_err(),
            ConnectionError::Unclaimed,
            "{unclaimed}"
        );
        assert!(nothing(&mut later) && nothing(&mut listen), "they asked later, or ask nothing");
    }
}

/// T-MCP-43: what answers a request that was given up reaches nobody else on a shared pipe.
#[tokio::test]
async fn t_mcp_43_a_result_without_id_is_nobodys_on_a_shared_pipe() {
    let (core, _said) = pipe(Era::Legacy, true);
    drop(ask(&core, 1, "tools/call"));
    let mut two = ask(&core, 2, "tools/call");
    hear(&core, r#"{"id":"1","result":{"secret":1}}"#);
    assert!(nothing(&mut two), "a late answer is no riddle");
    hear(&core, r#"{"id":null,"result":{"secret":1}}"#);
    assert_eq!(two.next().await.unwrap().unwrap_err(), ConnectionError::Unclaimed);
}

/// D-34, D-05: giving up is said; the late answer is nobody's.
#[tokio::test]
async fn d_34_dropping_cancels() {
    let (core, said) = pipe(Era::Legacy, false);
    drop(ask(&core, 5, "tools/call"));
    let cancelled = said.take().remove(0);
    assert!(
        cancelled.contains("notifications/cancelled") && cancelled.contains(r#""requestId":5"#)
    );
    hear(&core, r#"{"id":5,"result":{}}"#);
    drop(ask(&core, 6, "initialize"));
    assert_eq!(core.end(), Some(End::Unneeded), "initialize cannot be cancelled");
    assert!(said.take().is_empty());
}

/// D-36: the question of the one request that is under way; D-37 otherwise.
#[tokio::test]
async fn d_36_questions_go_to_the_one_request() {
    let (core, said) = pipe(Era::Legacy, false);
    let question = r#"{"id":"q","method":"elicitation/create","params":{}}"#;
    hear(&core, question);
    assert!(said.take().remove(0).contains("-32601"), "nobody is there");
    let mut one = ask(&core, 1, "tools/call");
    hear(&core, question);
    hear(&core, r#"{"method":"notifications/message","params":{"data":1}}"#);
    assert_eq!(text(&mut one).await, question);
    assert!(text(&mut one).await.contains("notifications/message"));
    let mut two = ask(&core, 2, "tools/call");
    let mut news = core.news.subscribe();
    hear(&core, question);
    assert!(nothing(&mut one) && nothing(&mut two), "nobody knows whose it is");
    assert!(matches!(news.recv().await.unwrap().kind, Kind::Question { .. }));
    hear(&core, r#"{"id":9,"method":"ping"}"#);
    assert_eq!(said.take(), [r#"{"jsonrpc":"2.0","id":9,"result":{}}"#]);
}

/// Whoever reads gets everything, however much a server says at once.
#[tokio::test]
async fn a_burst_does_not_outrun_those_who_listen() {
    const BURST: usize = 2000;
    let (core, said) = pipe(Era::Legacy, false);
    let mut exchange = ask(&core, 1, "tools/call");
    let mut news = core.news.subscribe();
    let for_request = tokio::spawn(async move {
        let mut count = 0;
        while let Some(heard) = exchange.next().await {
            heard.unwrap();
            count += 1;
        }
        count
    });
    let for_all = tokio::spawn(async move {
        for _ in 0..BURST {
            news.recv().await.unwrap();
        }
    });
    tokio::task::yield_now().await;
    for _ in 0..BURST {
        let log = Bytes::from_static(br#"{"method":"notifications/message","params":{"data":1}}"#);
        let changed = Bytes::from_static(br#"{"method":"notifications/prompts/list_changed"}"#);
        core.take_in(log).await.unwrap();
        core.take_in(changed).await.unwrap();
    }
    core.take_in(Bytes::from_static(br#"{"id":1,"result":{}}"#)).await.unwrap();
    assert_eq!(for_request.await.unwrap(), BURST + 1);
    for_all.await.unwrap();
    assert_eq!(said.take(), Vec::<String>::new(), "nothing was given up");
}

/// D-36: a request that was given up is nobody's, so the next question is the next one's.
#[tokio::test]
async fn d_36_a_request_given_up_is_asked_nothing() {
    let (core, _said) = pipe(Era::Legacy, false);
    let given_up = ask(&core, 1, "tools/call");
    let mut two = ask(&core, 2, "tools/call");
    drop(given_up);
    let question = r#"{"id":"q","method":"elicitation/create","params":{}}"#;
    hear(&core, question);
    assert_eq!(text(&mut two).await, question);
}

/// T-MCP-43: where everybody shares a pipe, nothing is presumed to belong to anybody.
#[tokio::test]
async fn t_mcp_43_nothing_is_presumed_on_a_shared_pipe() {
    let (core, said) = pipe(Era::Legacy, true);
    let (mut one, mut news) = (ask(&core, 1, "tools/call"), core.news.subscribe());
    hear(&core, r#"{"id":"q","method":"elicitation/create","params":{}}"#);
    hear(&core, r#"{"method":"notifications/message","params":{"data":"somebody's"}}"#);
    hear(&core, r#"{"method":"notifications/tools/list_changed"}"#);
    assert!(nothing(&mut one));
    assert!(said.take().remove(0).contains("-32601"));
    let heard: Arc<ServerMessage> = news.recv().await.unwrap();
    assert!(matches!(&heard.kind, Kind::Notification { method } if method.contains("tools")));
    assert!(news.try_recv().is_err());
}

/// C-71, C-09.
#[tokio::test]
async fn c_71_modern_subscriptions() {
    let (core, said) = pipe(Era::Modern, false);
    let (mut listen, mut call) =
        (ask(&core, 1, "subscriptions/listen"), ask(&core, 2, "tools/call"));
    hear(
        &core,
        r#"{"method":"notifications/resources/updated","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#,
    );
    hear(&core, r#"{"method":"notifications/message","params":{}}"#);
    hear(&core, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    hear(&core, r#"{"id":1,"method":"sampling/createMessage"}"#);
    assert!(text(&mut listen).await.contains("updated"));
    assert!(text(&mut listen).await.contains("cancelled"));
    assert!(text(&mut call).await.contains("message"), "a subscription is no call");
    assert!(nothing(&mut listen) && nothing(&mut call));
    assert!(said.take().remove(0).contains("-32601"));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_in_a_timeout_and_a_cancellation() {
    let (core, said) = pipe(Era::Legacy, false);
    let answer = ask(&core, 1, "tools/call").answer().await;
    assert_eq!(answer.unwrap_err(), ConnectionError::Timeout);
    assert!(said.take().remove(0).contains("notifications/cancelled"));
}

#[tokio::test]
async fn the_end_is_everybodys() {
    let (core, _said) = pipe(Era::Legacy, false);
    let mut one = ask(&core, 1, "tools/call");
    assert_eq!(running::begin(&core, 1, "x", Duration::ZERO).err(), Some(ConnectionError::Full));
    core.shut(End::Gone);
    core.shut(End::Unneeded);
    assert_eq!(core.end(), Some(End::Gone));
    assert_eq!(one.next().await.unwrap().unwrap_err(), ConnectionError::Broken);
    assert_eq!(running::begin(&core, 2, "x", Duration::ZERO).err(), Some(ConnectionError::Away));
}

/// T-MCP-51: who does not fetch is cut off, and who says too much; nothing grows.
#[tokio::test]
async fn t_mcp_51_floods() {
    let (core, _said) = pipe(Era::Legacy, false);
    let _one = ask(&core, 1, "tools/call");
    let mut taken = 0;
    let log = br#"{"method":"notifications/message","params":{}}"#;
    while core.hear(&Bytes::from_static(log)).is_ok() {
        taken += 1;
    }
    assert!(taken >= 1000);
    let (core, said) = pipe(Era::Legacy, false);
    let mut one = ask(&core, 1, "tools/call");
    let question = br#"{"id":9,"method":"sampling/createMessage","params":{}}"#;
    for _ in 0..1000 {
        core.hear(&Bytes::from_static(question)).unwrap();
    }
    let mut got = 0;
    let end = loop {
        match one.next().await.unwrap() {
            Ok(_) => got += 1,
            Err(error) => break error,
        }
    };
    assert!(end == ConnectionError::Broken && got < 1000, "{got}");
    assert!(said.take().remove(0).contains("notifications/cancelled"));
}

#[tokio::test(start_paused = true)]
async fn idle_is_without_a_request() {
    let (core, _said) = pipe(Era::Legacy, false);
    let one = ask(&core, 1, "tools/call");
    let limit = Duration::from_secs(10);
    let idle = core.idle_for(limit);
    tokio::pin!(idle);
    assert!(tokio::time::timeout(limit * 3, &mut idle).await.is_err(), "a request is under way");
    drop(one);
    assert!(tokio::time::timeout(limit / 2, &mut idle).await.is_err());
    tokio::time::timeout(limit, idle).await.unwrap();
}
