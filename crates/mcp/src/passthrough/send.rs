//! The way of original bytes to the upstream.

use bytes::Bytes;

use crate::passthrough::headers;
use crate::reply::{Refused, failure};
use crate::request::Call;
use crate::upstream::http::{Outgoing, SendError, Sent, repeat};

impl Call<'_> {
    /// Sends the original bytes to the upstream and waits for the head of its answer. What
    /// only reads is sent once more if the connection broke.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Sent, Refused> {
        let upstream = &self.server.upstream.http;
        self.record(async {
            match upstream.send(self.outgoing(body.clone(), false)).await {
                Err(SendError::Broken) if repeat::is_harmless(&self.method, &body) => {
                    upstream.send(self.outgoing(body, false)).await
                }
                answered => answered,
            }
        })
        .await
    }

    /// The same for a request whose answer will wait for news.
    pub(crate) async fn stand(&self, body: Bytes) -> Result<Sent, Refused> {
        self.record(self.server.upstream.http.send(self.outgoing(body, true))).await
    }

    /// Tells the exchange how it went.
    async fn record(
        &self,
        sending: impl Future<Output = Result<Sent, SendError>>,
    ) -> Result<Sent, Refused> {
        let sent = self.exchange.sending();
        let answered = sending.await;
        self.exchange.answered(sent, answered.is_ok());
        answered.map_err(|error| failure::refusal(error.into(), self.id))
    }

    fn outgoing(&self, body: Bytes, standing: bool) -> Outgoing {
        Outgoing {
            method: self.method.clone(),
            headers: headers::to_upstream(self),
            body,
            backend: self.session.as_ref().and_then(|session| session.backend()),
            path: None,
            standing,
        }
    }
}
