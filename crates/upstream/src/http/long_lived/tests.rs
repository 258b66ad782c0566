use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

fn request() -> Request<Bytes> {
    let mut request = Request::new(Bytes::from_static(b"{}"));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("http://user:pass@behind.example:81/mcp?a=1");
    request.headers_mut().insert("host", HeaderValue::from_static("behind.example:81"));
    request.headers_mut().insert("x-name", HeaderValue::from_bytes(b"J\xc3\xbcrgen").unwrap());
    request
}

/// Sends a request to a server that reads it and answers with these bytes, `step` at a time, and
/// then closes the connection.
fn ask(
    answer: impl Into<Vec<u8>>,
    step: usize,
) -> JoinHandle<Result<Response<LongLivedBody>, BoxError>> {
    let (answer, (ours, mut theirs)) = (answer.into(), duplex(step));
    tokio::spawn(async move {
        read_request(&mut theirs).await;
        // A client that has had enough closes the connection.
        let _ = theirs.write_all(&answer).await;
    });
    tokio::spawn(exchange(Box::pin(ours), request()))
}

async fn read_request(theirs: &mut DuplexStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n{}") {
        read.push(theirs.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

async fn whole(body: LongLivedBody) -> Result<String, BoxError> {
    Ok(String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_is_sent_as_it_is() {
    let (ours, mut theirs) = duplex(1000);
    let asked = tokio::spawn(exchange(Box::pin(ours), request()));
    let expected = "POST /mcp?a=1 HTTP/1.1\r\nhost: behind.example:81\r\nx-name: Jürgen\r\n\
                    content-length: 2\r\n\r\n{}";
    assert_eq!(read_request(&mut theirs).await, expected);
    drop(theirs);
    assert!(asked.await.unwrap().is_err(), "no answer");
}

/// Whatever the pieces in which it arrives.
#[tokio::test]
async fn answers_are_read_in_every_framing() {
    let framed = [
        (
            format!("{CHUNKED}5\r\nfirst\r\n6;x=y\r\n, next\r\n0\r\nx-trailer: 1\r\n\r\n"),
            "first, next",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nfirst, next".into(), "first, next"),
        ("HTTP/1.1 200 OK\r\n\r\nto the end".into(), "to the end"),
        ("HTTP/1.0 200 OK\r\n\r\nto the end".into(), "to the end"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into(), ""),
        ("HTTP/1.1 204 No Content\r\n\r\n".into(), ""),
        (format!("{CHUNKED}0\r\n\r\n"), ""),
        (format!("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{CHUNKED}2\r\nok\r\n0\r\n\r\n"), "ok"),
        (format!("HTTP/1.1 100 Continue\r\n\r\n{CHUNKED}2\r\nok\r\n0\r\n\r\n"), "ok"),
    ];
    for (answer, expected) in framed {
        for step in [1, 3, 7, 4096] {
            let answered = ask(answer.clone(), step).await.unwrap().unwrap();
            assert_eq!(whole(answered.into_body()).await.unwrap(), expected, "{answer} by {step}");
        }
    }
}

/// What the rest of the gateway asks of a body: hyper's answer the same.
#[tokio::test]
async fn a_body_says_what_is_left_of_it() {
    let measured = ask("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc", 4096);
    let measured = measured.await.unwrap().unwrap();
    assert_eq!(measured.status(), StatusCode::NOT_FOUND);
    let mut body = measured.into_body();
    assert_eq!((body.is_end_stream(), body.size_hint().exact()), (false, Some(3)));
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc");
    assert_eq!((body.is_end_stream(), body.size_hint().exact()), (true, Some(0)));
    for nothing in ["204 No Content\r\n\r\n", "200 OK\r\ncontent-length: 0\r\n\r\n"] {
        let body = ask(format!("HTTP/1.1 {nothing}"), 4096).await.unwrap().unwrap().into_body();
        assert_eq!((body.is_end_stream(), body.size_hint().exact()), (true, Some(0)));
    }
    let chunked = ask(format!("{CHUNKED}1\r\nx\r\n"), 4096).await.unwrap().unwrap().into_body();
    assert_eq!((chunked.is_end_stream(), chunked.size_hint().exact()), (false, None));
}

#[tokio::test]
async fn half_an_answer_is_an_error() {
    for half in [
        format!("{CHUNKED}5\r\nfirst\r\n"),
        format!("{CHUNKED}5\r\nfir"),
        CHUNKED.to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nfirst".to_owned(),
    ] {
        let answered = ask(half.clone(), 4096).await.unwrap().unwrap();
        assert!(whole(answered.into_body()).await.is_err(), "{half}");
    }
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 100 Continue\r\n\r\n"] {
        assert!(ask(head, 4096).await.unwrap().is_err(), "{head}");
    }
}

/// A server that cannot be understood is not listened to for long.
#[tokio::test]
async fn nonsense_ends_soon_and_takes_little_memory() {
    let endless = "x".repeat(1 << 20);
    for head in [
        "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        "HTTP/2.0 200 OK\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nx: {endless}"),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nfirst!".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nfirst".to_owned(),
    ] {
        assert!(ask(head.clone(), 65_536).await.unwrap().is_err(), "{}", &head[..30]);
    }
    for framing in ["zz\r\n", "5\r\nfirstXX", "-1\r\n", "fffffffffffffffff\r\n", &endless] {
        let answered = ask(format!("{CHUNKED}{framing}"), 65_536).await.unwrap().unwrap();
        assert!(whole(answered.into_body()).await.is_err(), "{framing:.20}");
    }
}

/// This is what it is for.
#[tokio::test]
async fn silence_holds_no_buffer() {
    let (ours, mut theirs) = duplex(65_536);
    let asked = tokio::spawn(exchange(Box::pin(ours), request()));
    read_request(&mut theirs).await;
    theirs.write_all(format!("{CHUNKED}5\r\nfirst\r\n").as_bytes()).await.unwrap();
    let mut body = asked.await.unwrap().unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    let silent = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx)));
    assert!(silent.await.is_pending());
    assert_eq!(body.unread.capacity(), 0);
    let large = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    theirs.write_all(large.as_bytes()).await.unwrap();
    let mut arrived = 0;
    while arrived < 0x8000 {
        arrived += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    let silent = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx)));
    assert!(silent.await.is_pending());
    assert_eq!(body.unread.capacity(), 0);
}

#[tokio::test]
async fn dropping_it_closes_the_connection() {
    let (ours, mut theirs) = duplex(65_536);
    let asked = tokio::spawn(exchange(Box::pin(ours), request()));
    read_request(&mut theirs).await;
    theirs.write_all(CHUNKED.as_bytes()).await.unwrap();
    drop(asked.await.unwrap().unwrap());
    assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
}
