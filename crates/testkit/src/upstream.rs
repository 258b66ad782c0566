//! The demo server as upstream, on a listener of its own.

use std::net::SocketAddr;

use demo::DemoConfig;
use tokio_util::sync::CancellationToken;

/// The credential that the demo server wants to see.
pub const UPSTREAM_KEY: &str = "upstream-key-of-the-tests";

/// A running demo server. It ends with the test.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    cancel: CancellationToken,
}

impl Upstream {
    /// Starts a freshly seeded demo server.
    pub async fn start() -> Self {
        let cancel = CancellationToken::new();
        let config = DemoConfig {
            shared_secret: Some(UPSTREAM_KEY.to_owned()),
            seating: demo::Seating::ByUsername,
        };
        let router = demo::router(config, cancel.clone());
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback listener");
        let address = listener.local_addr().expect("an address");
        let stop = cancel.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop)
                .await
                .expect("the demo server serves");
        });
        Self { address, cancel }
    }

    /// Its MCP endpoint.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
