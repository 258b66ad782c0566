//! How long a connection stays without an answer, and how it ends.

use super::*;

/// Lets the listener take in what was sent.
async fn taken_in() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// As if so much time had passed, for the timers of this thread.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn said(text: &'static str) -> Response<Fed> {
    let (feeder, body) = fed();
    say(&feeder, text);
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_LENGTH, text.len().into());
    response
}

/// C5: clients keep a connection for up to 90 seconds, and one that is closed while a request is on
/// its way costs a Python client its session.
#[tokio::test]
async fn a_connection_outlives_the_pauses_of_clients() {
    let served = Served::with([said("one"), said("two")]);
    let mut client = served.ask(ASK).await;
    assert!(read_to(&mut client, "one").await.contains("200 OK"));
    taken_in().await;
    pass(Duration::from_secs(95)).await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    assert!(read_to(&mut client, "two").await.contains("200 OK"));
    taken_in().await;
    pass(Duration::from_secs(101)).await;
    assert_eq!(rest(client).await, "", "but not for ever");
}

/// DS-2: a head has ten seconds, the first as any other.
#[tokio::test]
async fn ds_2_a_head_that_does_not_end_is_cut_off() {
    for begun in ["", "GET / HT"] {
        let served = Served::with([]);
        let client = served.ask(begun).await;
        taken_in().await;
        pass(Duration::from_secs(11)).await;
        assert_eq!(rest(client).await, "", "{begun}");
    }
    let served = Served::with([said("one")]);
    let mut client = served.ask(ASK).await;
    read_to(&mut client, "one").await;
    client.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    taken_in().await;
    pass(Duration::from_secs(6)).await;
    client.write_all(b"drip").await.unwrap();
    taken_in().await;
    pass(Duration::from_secs(6)).await;
    // Whoever closes before all was read resets the connection, so there may be no orderly end.
    let mut said = Vec::new();
    let reading = tokio::time::timeout(LIMIT, client.read_to_end(&mut said));
    if let Err(error) = reading.await.unwrap() {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(said.is_empty(), "a byte now and then buys no time");
}

/// A listener that answers as it is fed, and is told to stop.
async fn stopping(
    answer: Response<Fed>,
) -> (TcpStream, CancellationToken, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(Mutex::new(VecDeque::from([answer, said("last")])));
    let respond = move |_, _| {
        let answer = answers.lock().unwrap().pop_front().unwrap();
        async move { answer }
    };
    let stop = CancellationToken::new();
    let shutdown = stop.clone().cancelled_owned();
    let serving =
        tokio::spawn(serve(listener, Limits::default(), Workers::here(), respond, shutdown));
    (TcpStream::connect(address).await.unwrap(), stop, serving)
}

/// C5: what is in flight is answered, and the client hears that nothing follows.
#[tokio::test]
async fn the_last_answer_says_so() {
    // A request that is on its way when the end begins.
    let (mut client, stop, serving) = stopping(said("one")).await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    let head = read_to(&mut client, "one").await;
    assert!(!head.contains("connection: close"), "{head}");
    stop.cancel();
    taken_in().await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    let last = rest(client).await;
    assert!(last.contains("connection: close") && last.ends_with("last"), "{last}");
    tokio::time::timeout(Duration::from_secs(2), serving).await.unwrap().unwrap();

    // An answer that is still coming.
    let (feeder, body) = fed();
    let (mut client, stop, serving) = stopping(Response::new(body)).await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    read_to(&mut client, "\r\n\r\n").await;
    stop.cancel();
    taken_in().await;
    say(&feeder, "all");
    drop(feeder);
    assert_eq!(rest(client).await, "3\r\nall\r\n0\r\n\r\n");
    tokio::time::timeout(Duration::from_secs(2), serving).await.unwrap().unwrap();

    // Nobody asks anything.
    let (mut client, stop, serving) = stopping(said("one")).await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    read_to(&mut client, "one").await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(2), serving).await.unwrap().unwrap();
    assert_eq!(rest(client).await, "");
}

/// A request whose body nobody waited for, and whose client sends on.
async fn answered_early() -> TcpStream {
    let served = Served::with([said("too large")]);
    served.ask("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100000000\r\n\r\n").await
}

/// RFC 9112 §9.6: a client that is refused for the size of its request sees why, although it is still
/// sending then.
#[tokio::test]
async fn an_early_answer_is_not_lost_by_a_reset() {
    let mut client = answered_early().await;
    for _ in 0..200 {
        client.write_all(&[b' '; 8 << 10]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(rest(client).await.ends_with("\r\n\r\ntoo large"));
}

/// DS-2: what nobody wants is read for a moment only.
#[tokio::test]
async fn ds_2_a_client_that_sends_for_ever_is_cut_off() {
    let mut client = answered_early().await;
    let begun = tokio::time::Instant::now();
    while client.write_all(&[b' '; 8 << 10]).await.is_ok() {
        taken_in().await;
        assert!(begun.elapsed() < LIMIT);
    }
}

/// Whoever was let in by the system before the end is answered, however many they are.
#[tokio::test]
async fn the_queue_is_answered_before_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(ASK.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let answer = |_: Request<Incoming>, _| async { said("here") };
    serve(listener, Limits::default(), Workers::here(), answer, async {}).await;
    for client in clients {
        assert!(rest(client).await.ends_with("\r\n\r\nhere"));
    }
}
