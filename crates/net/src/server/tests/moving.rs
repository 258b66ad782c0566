//! Connections that go on at another worker.

use std::num::NonZeroUsize;

use http_body_util::Full;

use super::*;

/// A listener at two workers that answers with the name of the thread, and is busy for a moment before.
async fn at_two_workers() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = |_: Request<Incoming>, _| async {
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        let name = std::thread::current().name().unwrap().to_owned();
        Response::new(Full::from(name))
    };
    let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
    tokio::spawn(serve(listener, Limits::default(), workers, answer, pending()));
    address
}

async fn thread_asked(client: &mut TcpStream, text: &str) -> String {
    client.write_all(text.as_bytes()).await.unwrap();
    read_to(client, "\r\n\r\n").await;
    read_to(client, "worker-").await;
    client.read_u8().await.map(char::from).unwrap().to_string()
}

/// Uneven load leaves no core idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_connections_part_and_lose_nothing() {
    let address = at_two_workers().await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        let mut client = TcpStream::connect(address).await.unwrap();
        let thread = thread_asked(&mut client, ASK).await;
        connections.push((thread, client));
    }
    // Those of one thread go on asking; the others stay and ask nothing.
    let here = connections[0].0.clone();
    let (busy, quiet): (Vec<_>, Vec<_>) =
        connections.into_iter().partition(|(thread, _)| *thread == here);
    assert_eq!((busy.len(), quiet.len()), (2, 2));
    let mut busy = busy.into_iter().map(|(_, client)| client);
    let (mut one, mut other) = (busy.next().unwrap(), busy.next().unwrap());
    let parted = async {
        loop {
            let threads = tokio::join!(thread_asked(&mut one, ASK), thread_asked(&mut other, ASK));
            if threads.0 != threads.1 {
                break;
            }
        }
    };
    tokio::time::timeout(LIMIT, parted).await.unwrap();
    // They go on where they are, also with requests that come in pieces.
    for client in [&mut one, &mut other] {
        client.write_all(b"GET / HT").await.unwrap();
        tokio::task::yield_now().await;
        thread_asked(client, "TP/1.1\r\nhost: here\r\n\r\n").await;
    }
    drop(quiet);
}
