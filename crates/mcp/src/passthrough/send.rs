//! The way of original bytes to the upstream.

use std::pin::pin;

use bytes::Bytes;
use upstream::connection::ConnectionError;
use upstream::http::{Outgoing, SendError, Sent, repeat};

use crate::outbound::Cause;
use crate::passthrough::headers;
use crate::reply::Refused;
use crate::request::Call;

impl Call<'_> {
    /// Sends original bytes to the upstream and waits for the head of its answer. What only reads is
    /// sent once more if the connection broke.
    pub(crate) async fn send(&self, cause: impl Into<Cause>, body: Bytes) -> Result<Sent, Refused> {
        let (upstream, cause) = (&self.server.upstream, cause.into());
        // Pinned, because it is large and would be moved otherwise.
        let sending = pin!(async {
            let mut answered = cause.send(upstream, self.outgoing(body.clone(), false)).await;
            if matches!(answered, Err(SendError::Broken))
                && repeat::is_harmless(&self.method, &body)
            {
                answered = Box::pin(cause.send(upstream, self.outgoing(body, false))).await;
            }
            answered
        });
        self.record(sending).await
    }

    /// The same for a request whose answer will wait for news.
    pub(crate) async fn stand(
        &self,
        cause: impl Into<Cause>,
        body: Bytes,
    ) -> Result<Sent, Refused> {
        let outgoing = self.outgoing(body, true);
        let sending = pin!(cause.into().send(&self.server.upstream, outgoing));
        self.record(sending).await
    }

    /// Puts on record how it went.
    async fn record(
        &self,
        sending: impl Future<Output = Result<Sent, SendError>>,
    ) -> Result<Sent, Refused> {
        let sent = self.record.sending();
        let answered = sending.await;
        self.record.answered(sent, answered.is_ok());
        answered.map_err(|error| self.refused(ConnectionError::from(error)))
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
