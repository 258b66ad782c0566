//! What it costs to record a call: `cargo run --release -p store --example calls`.
//!
//! Batches of several sizes are written one after the other into a SQLite file in a temporary
//! directory, each durable before the next, as the sidecar's queue does.
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first error")]
#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

mod processor_time;

use kernel::{Id, OsRandom, Timestamp};
use model::{AuditEvent, AuditKind, ClientId};
use store::unit::RecordCalls;
use store::{Store, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const CALLS: u32 = 200_000;

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("calls.db").display());
    let store = Store::open(StoreOptions::new(url)).await.unwrap();
    store.migrate().await.unwrap();
    println!("{:>8} {:>12}", "batch", "CPU µs/call");
    for batch in [16, 64, 256, 1024, 4096] {
        let batches: Vec<Vec<_>> = (0..CALLS / batch)
            .map(|number| (0..batch).map(|_| call(batch, number)).collect())
            .collect();
        let used_before = processor_time::seconds();
        for events in batches {
            store.write(RecordCalls { events }).await.unwrap();
        }
        let used = processor_time::seconds() - used_before;
        println!("{batch:>8} {:>12.2}", used * 1e6 / f64::from(CALLS));
    }
    store.close().await;
}

/// As the authorization server writes down a call that was allowed. Calls come in order.
fn call(batch: u32, number: u32) -> AuditEvent {
    let random = OsRandom::new();
    AuditEvent {
        client: Some(ClientId::from_text("bench")),
        subject: Some(Id::generate(&random)),
        grant: Some(Id::generate(&random)),
        detail: r#"{"decision":"allowed","method":"tools/call","name":"list_orders","reason":null,"#
            .to_owned()
            + r#""request":"0kq1c7wFqzX2u0yZ","rule":"mcp:read *","server":"default"}"#,
        ..AuditEvent::new(
            AuditKind::McpCall,
            NOW.plus_seconds(i64::from(batch) * i64::from(CALLS) + i64::from(number)),
        )
    }
}
