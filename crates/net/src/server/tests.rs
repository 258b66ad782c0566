mod keeping;
mod moving;

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);
/// More than these sockets take that nobody reads, and less than hyper holds of it.
const LARGE: usize = 0x7000;
const NARROW: u32 = 2048;

/// A body that says what it is fed.
struct Fed(UnboundedReceiver<Result<Bytes, std::fmt::Error>>);

type Feeder = UnboundedSender<Result<Bytes, std::fmt::Error>>;

impl Body for Fed {
    type Data = Bytes;
    type Error = std::fmt::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::fmt::Error>>> {
        self.0.poll_recv(cx).map(|said| said.map(|said| said.map(Frame::data)))
    }
}

fn fed() -> (Feeder, Fed) {
    let (feeder, said) = unbounded_channel();
    (feeder, Fed(said))
}

fn standing(body: Fed) -> Response<Fed> {
    let mut response = Response::new(body);
    response.extensions_mut().insert(LongLived);
    response
}

/// A listener that gives these answers one after the other, and how many connections are with
/// hyper, which alone holds the answering function.
struct Served {
    address: SocketAddr,
    with_hyper: Arc<()>,
}

impl Served {
    fn with(answers: impl IntoIterator<Item = Response<Fed>>) -> Self {
        Self::within(Limits::default(), answers)
    }

    fn within(limits: Limits, answers: impl IntoIterator<Item = Response<Fed>>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        // Connections have what their listener has.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(NARROW).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let with_hyper = Arc::new(());
        let held = Arc::clone(&with_hyper);
        let answer = move |_, _| {
            let (answers, _held) = (Arc::clone(&answers), Arc::clone(&held));
            async move { answers.lock().unwrap().pop_front().unwrap() }
        };
        tokio::spawn(serve(listener, limits, Workers::here(), answer, pending()));
        Self { address, with_hyper }
    }

    async fn ask(&self, text: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(NARROW).unwrap();
        let mut client = socket.connect(self.address).await.unwrap();
        client.write_all(text.as_bytes()).await.unwrap();
        client
    }

    /// Waits until so many connections are with hyper. The test and the listener hold the function
    /// as well.
    async fn until_with_hyper(&self, connections: usize) {
        let count = || Arc::strong_count(&self.with_hyper) - 2;
        let reached = async {
            while count() != connections {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, reached).await.unwrap_or_else(|_| panic!("{}", count()));
    }
}

const ASK: &str = "GET / HTTP/1.1\r\nhost: here\r\n\r\n";

/// What arrives up to and with `end`.
async fn read_to(client: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let reading = async {
        while !text.ends_with(end.as_bytes()) {
            text.push(client.read_u8().await.unwrap());
        }
    };
    let read = tokio::time::timeout(LIMIT, reading).await;
    assert!(read.is_ok(), "{}", String::from_utf8_lossy(&text));
    String::from_utf8(text).unwrap()
}

async fn rest(mut client: TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(LIMIT, client.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

fn say(feeder: &Feeder, text: impl Into<Bytes>) {
    feeder.send(Ok(text.into())).unwrap();
}

/// A stream that has left hyper.
async fn stood() -> (Feeder, TcpStream) {
    let (feeder, body) = fed();
    let served = Served::with([standing(body)]);
    let mut client = served.ask(ASK).await;
    read_to(&mut client, "\r\n\r\n").await;
    served.until_with_hyper(0).await;
    (feeder, client)
}

#[tokio::test]
async fn a_stream_that_stands_leaves_hyper_and_goes_on() {
    let (feeder, body) = fed();
    let served = Served::with([standing(body)]);
    say(&feeder, "first");
    let mut client = served.ask(ASK).await;
    let head = read_to(&mut client, "\r\n\r\n").await;
    for line in ["HTTP/1.1 200 OK", "transfer-encoding: chunked", "connection: close", "date: "] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(read_to(&mut client, "first\r\n").await, "5\r\nfirst\r\n");
    served.until_with_hyper(0).await;
    say(&feeder, "");
    say(&feeder, "x".repeat(26));
    say(&feeder, "and more");
    let expected = format!("1a\r\n{}\r\n8\r\nand more\r\n", "x".repeat(26));
    assert_eq!(read_to(&mut client, "more\r\n").await, expected);
    drop(feeder);
    assert_eq!(rest(client).await, "0\r\n\r\n");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream() {
    let (feeder, client) = stood().await;
    assert!(!feeder.is_closed());
    drop(client);
    tokio::time::timeout(LIMIT, feeder.closed()).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_no_last_chunk() {
    let (feeder, client) = stood().await;
    say(&feeder, "half");
    feeder.send(Err(std::fmt::Error)).unwrap();
    assert_eq!(rest(client).await, "4\r\nhalf\r\n");
}

/// What the client has not read yet is hyper's to send, and comes first.
#[tokio::test]
async fn a_stream_waits_for_the_answers_before_it() {
    let ((first, large), (second, body)) = (fed(), fed());
    say(&first, vec![b'x'; LARGE]);
    drop(first);
    let served = Served::with([Response::new(large), standing(body)]);
    let mut client = served.ask(&ASK.repeat(2)).await;
    say(&second, "news");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(Arc::strong_count(&served.with_hyper), 3, "it must not leave before it was read");
    assert!(read_to(&mut client, "\r\n\r\n").await.contains("chunked"));
    let mut text = vec![0; LARGE + "7000\r\n\r\n0\r\n\r\n".len()];
    client.read_exact(&mut text).await.unwrap();
    assert!(text.starts_with(b"7000\r\nx") && text.ends_with(b"x\r\n0\r\n\r\n"));
    assert!(read_to(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(read_to(&mut client, "news\r\n").await, "4\r\nnews\r\n");
    served.until_with_hyper(0).await;
    drop(second);
    assert_eq!(rest(client).await, "0\r\n\r\n");
}

/// What hyper could not write yet would be lost.
#[tokio::test]
async fn a_stream_leaves_only_when_all_it_said_has_left() {
    let (feeder, body) = fed();
    let served = Served::with([standing(body)]);
    say(&feeder, vec![b'x'; LARGE]);
    let mut client = served.ask(ASK).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(Arc::strong_count(&served.with_hyper), 3, "it must not leave before it was read");
    read_to(&mut client, "7000\r\n").await;
    let mut text = vec![0; LARGE + 2];
    client.read_exact(&mut text).await.unwrap();
    assert!(text.ends_with(b"x\r\n"));
    served.until_with_hyper(0).await;
    say(&feeder, "news");
    drop(feeder);
    assert_eq!(rest(client).await, "4\r\nnews\r\n0\r\n\r\n");
}

/// The connection says that it ends with the stream, so a request that was sent ahead is not read.
#[tokio::test]
async fn what_is_sent_ahead_does_not_disturb_the_stream() {
    let (feeder, mut client) = stood().await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    say(&feeder, "news");
    assert_eq!(read_to(&mut client, "news\r\n").await, "4\r\nnews\r\n");
    drop(feeder);
    assert_eq!(read_to(&mut client, "\r\n\r\n").await, "0\r\n\r\n");
}

/// Only chunks can be continued by somebody else.
#[tokio::test]
async fn what_is_framed_otherwise_stays_with_hyper() {
    let (feeder, body) = fed();
    let served = Served::with([standing(body)]);
    let mut client = served.ask("GET / HTTP/1.0\r\n\r\n").await;
    assert!(!read_to(&mut client, "\r\n\r\n").await.contains("chunked"));
    say(&feeder, "news");
    assert_eq!(read_to(&mut client, "news").await, "news");
    served.until_with_hyper(1).await;
    drop(feeder);
    assert_eq!(rest(client).await, "");

    let (feeder, body) = fed();
    let mut measured = standing(body);
    measured.headers_mut().insert(CONTENT_LENGTH, http::HeaderValue::from_static("6"));
    let served = Served::with([measured]);
    let mut client = served.ask(ASK).await;
    assert!(!read_to(&mut client, "\r\n\r\n").await.contains("chunked"));
    say(&feeder, "new");
    assert_eq!(read_to(&mut client, "new").await, "new");
    served.until_with_hyper(1).await;
    say(&feeder, "est");
    assert_eq!(read_to(&mut client, "est").await, "est");
}

/// What does not stand keeps its connection for the next request, however long it pauses.
#[tokio::test]
async fn other_answers_stay_with_hyper() {
    let ((feeder, body), (second, next)) = (fed(), fed());
    let served = Served::with([Response::new(body), Response::new(next)]);
    let mut client = served.ask(ASK).await;
    assert!(!read_to(&mut client, "\r\n\r\n").await.contains("connection: close"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    served.until_with_hyper(1).await;
    drop(feeder);
    assert_eq!(read_to(&mut client, "\r\n\r\n").await, "0\r\n\r\n");
    client.write_all(ASK.as_bytes()).await.unwrap();
    say(&second, "next");
    drop(second);
    assert!(read_to(&mut client, "0\r\n\r\n").await.ends_with("4\r\nnext\r\n0\r\n\r\n"));
}

/// The end of the process waits for streams, but not longer than it may.
#[tokio::test]
async fn the_drain_counts_streams_that_stand() {
    let (feeder, body) = fed();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(Mutex::new(Some(standing(body))));
    let answer = move |_, _| {
        let answer = answers.lock().unwrap().take().unwrap();
        async move { answer }
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let serving =
        tokio::spawn(serve(listener, Limits::default(), Workers::here(), answer, shutdown));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(ASK.as_bytes()).await.unwrap();
    read_to(&mut client, "\r\n\r\n").await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!serving.is_finished());
    drop(feeder);
    assert_eq!(rest(client).await, "0\r\n\r\n");
    tokio::time::timeout(Duration::from_secs(2), serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_vanished_is_looked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, ..) = accept(&listener, &Arc::new(Semaphore::new(1))).await.unwrap();
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_mins(1));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(15));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
}

/// A client that takes nothing of its answer is given up, with hyper and on a stream that stands;
/// one that is only slow gets all of it.
#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_place() {
    const PIECES: usize = 10;
    let limits = || Limits { write_timeout: Duration::from_millis(200), ..Limits::default() };
    for stands in [false, true] {
        let (feeder, body) = fed();
        let response = if stands { standing(body) } else { Response::new(body) };
        let served = Served::within(limits(), [response]);
        let _client = served.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        if stands {
            served.until_with_hyper(0).await;
        }
        // More than the kernel takes for a client that does not read.
        while feeder.send(Ok(Bytes::from(vec![0; LARGE]))).is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        served.until_with_hyper(0).await;
    }
    let (feeder, body) = fed();
    let served = Served::within(limits(), [Response::new(body)]);
    let mut client = served.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    for _ in 0..PIECES {
        say(&feeder, vec![b'x'; LARGE]);
    }
    drop(feeder);
    let (mut piece, mut taken) = (vec![0; 8 * LARGE], 0);
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        match client.read(&mut piece).await.unwrap() {
            0 => break,
            length => taken += length,
        }
    }
    assert!(taken > PIECES * LARGE, "{taken}");
}
